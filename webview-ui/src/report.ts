import './reportPage/theme.css';
import './reportPage/report.css';
import { followColorScheme } from './reportPage/colorScheme';
import { PanelHost } from './reportPage/panelHost';
import { readData } from './reportPage/readData';

// What stands in for the editor around the panel's own script, which runs next.
followColorScheme();
const host = new PanelHost();
Object.assign(window, { acquireVsCodeApi: () => host });

readData(document.getElementById('report-data')?.textContent ?? '').then(
  (data) => host.open(data),
  (error: unknown) => {
    console.warn(error);
    const note = document.getElementById('interactive-note');
    if (note) note.textContent = 'The panel cannot be shown: this browser cannot unpack what it needs, or the file is incomplete. What stands above is all there.';
  },
);
