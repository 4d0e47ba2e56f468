import './styles/base.css';
import './styles/controls.css';
import './styles/charts.css';
import './styles/tables.css';
import './styles/landscape.css';
import { render } from 'preact';
import { ErrorBoundary } from './components/ErrorBoundary';
import { LandscapeApp } from './lossSurfaces/LandscapeApp';
import { post } from './lossSurfaces/landscapeApi';

window.addEventListener('error', (event) => {
  // A browser says this when a layout needs a second pass; nothing failed.
  if (!event.message.startsWith('ResizeObserver loop')) post({ kind: 'failed', message: event.message });
});
window.addEventListener('unhandledrejection', (event) => post({ kind: 'failed', message: String(event.reason) }));

const root = document.getElementById('root') ?? document.body.appendChild(document.createElement('div'));
render(
  <ErrorBoundary>
    <LandscapeApp />
  </ErrorBoundary>,
  root,
);
