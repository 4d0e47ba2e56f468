import * as path from 'node:path';
import * as vscode from 'vscode';
import type { FromLandscape, LandscapeArrangement, LandscapeOrder, LandscapeSnapshot, LandscapeSurface, ToLandscape } from '../protocol';
import { surfacesToCsv, surfacesToJson } from '../store/exportSurfaces';
import type { LandscapeJob } from './landscapeJob';
import { parseOrder } from './landscapeOrder';
import { landscapeFileName, landscapeTitle } from './landscapeText';
import { messageOf, showFailure } from './log';
import { pageHtml } from './pageHtml';

export const landscapeViewType = 'layerscope.landscape';

/** What a panel shows. */
export interface ShownLandscape {
  readonly surfaces: readonly LandscapeSurface[];
  /** Absolute paths they were read from; none where they were computed. */
  readonly files?: readonly string[];
  /** Where they are computed: then the surfaces are the job's. */
  readonly job?: LandscapeJob;
}

export interface LandscapePanelsOptions {
  readonly extensionUri: vscode.Uri;
  readonly log: vscode.LogOutputChannel;
  /** Somebody clicked a checkpoint of a trajectory. Its file is as the surface names it; `surface` says where the name comes from. */
  readonly openCheckpoint: (file: string, surface: LandscapeSurface) => Promise<void>;
  /** Makes the job of a panel that was kept over a restart of the editor; nothing is computed before somebody asks for it. */
  readonly makeJob: (order: LandscapeOrder, surfaces: readonly LandscapeSurface[]) => LandscapeJob;
  /** Somebody wants it to be gone on with. */
  readonly resume: (job: LandscapeJob) => Promise<void>;
  /** Somebody wants the model to be taken from an ONNX export. */
  readonly chooseExport: (job: LandscapeJob) => Promise<void>;
}

/** The editor panels that draw loss surfaces. One a set of files; a computed landscape has a panel of its own as long as it is kept. */
export class LandscapePanels implements vscode.Disposable, vscode.WebviewPanelSerializer<unknown> {
  readonly #panels = new Set<LandscapePanel>();

  constructor(private readonly options: LandscapePanelsOptions) {}

  /** Opens a panel beside nothing: in the active editor group. Files that are shown already are read again into their panel. */
  show(shown: ShownLandscape): LandscapePanel {
    const files = shown.files ?? [];
    const open = files.length === 0 ? undefined : [...this.#panels].find((panel) => panel.files.join('\n') === files.join('\n'));
    if (open) {
      open.update(shown);
      open.reveal();
      return open;
    }
    const panel = vscode.window.createWebviewPanel(landscapeViewType, landscapeTitle(shown.surfaces, shown.job?.order), vscode.ViewColumn.Active, { enableFindWidget: true });
    return this.#adopt(panel, shown);
  }

  /** Reads the files of a panel that the editor kept over a restart again, or takes the surfaces that it kept itself. */
  async deserializeWebviewPanel(panel: vscode.WebviewPanel, state: unknown): Promise<void> {
    try {
      this.#adopt(panel, await this.#restore(state));
    } catch (error) {
      this.options.log.warn(`A loss surface cannot be shown again: ${messageOf(error)}`);
      panel.dispose();
    }
  }

  /** Marks a checkpoint (absolute path) in every trajectory that it is a point of. */
  selectCheckpoint(file: string): void {
    for (const panel of this.#panels) if (panel.shows(file)) panel.select(file);
  }

  dispose(): void {
    for (const panel of [...this.#panels]) panel.dispose();
  }

  #adopt(webviewPanel: vscode.WebviewPanel, shown: ShownLandscape): LandscapePanel {
    const panel = new LandscapePanel(webviewPanel, shown, this.options);
    this.#panels.add(panel);
    webviewPanel.onDidDispose(() => {
      this.#panels.delete(panel);
      if (shown.job === undefined) return;
      // Nobody sees it any more; what was computed is kept.
      shown.job.onChange = () => undefined;
      shown.job.cancel();
    });
    return panel;
  }

  async #restore(state: unknown): Promise<ShownLandscape> {
    const kept = (typeof state === 'object' && state !== null ? state : {}) as Partial<Record<keyof LandscapeArrangement, unknown>>;
    const files = Array.isArray(kept.files) ? kept.files.filter((file): file is string => typeof file === 'string' && path.isAbsolute(file)) : [];
    if (files.length > 0) return readSurfaceFiles(files);
    const order = parseOrder(kept.order);
    const { parseSurfaces } = await import('../formats/surfaceDocument');
    const surfaces = Array.isArray(kept.surfaces) && kept.surfaces.length > 0 ? parseSurfaces(kept.surfaces, 'the kept surfaces') : [];
    if (order !== null) return { surfaces, job: this.options.makeJob(order, surfaces) };
    if (surfaces.length === 0) throw new Error('its surfaces were not kept');
    return { surfaces };
  }
}

/** @throws {FormatError} for the first file that holds no surface */
export async function readSurfaceFiles(files: readonly string[]): Promise<ShownLandscape> {
  // Not needed to activate: readers are loaded with the first surface.
  const { readSurfaces } = await import('../worker/landscape/readSurface');
  return { surfaces: (await Promise.all(files.map((file) => readSurfaces(file)))).flat(), files };
}

/** One panel: a full snapshot when the page becomes ready, and again when the surfaces grow. */
export class LandscapePanel {
  #shown: ShownLandscape;
  /** Whether the page listens; one that was hidden is gone and says `ready` again. */
  #pageReady = false;
  readonly #job: LandscapeJob | null;
  #logged = '';

  constructor(
    private readonly panel: vscode.WebviewPanel,
    shown: ShownLandscape,
    private readonly options: LandscapePanelsOptions,
  ) {
    this.#shown = shown;
    this.#job = shown.job ?? null;
    if (this.#job !== null) this.#job.onChange = () => this.#jobChanged();
    const root = vscode.Uri.joinPath(options.extensionUri, 'dist', 'webview');
    panel.iconPath = vscode.Uri.joinPath(options.extensionUri, 'media', 'layerscope.svg');
    panel.webview.options = { enableScripts: true, enableForms: false, localResourceRoots: [root] };
    panel.webview.onDidReceiveMessage((message: FromLandscape) => this.#onMessage(message));
    panel.onDidChangeViewState(() => {
      if (!panel.visible) this.#pageReady = false;
    });
    panel.webview.html = pageHtml(panel.webview, root, { name: 'landscape', title: 'Loss surfaces' });
  }

  get files(): readonly string[] {
    return this.#shown.files ?? [];
  }

  readonly onDidDispose = (listener: () => void): vscode.Disposable => this.panel.onDidDispose(listener);

  /** Draws other surfaces, or the same with more points. */
  update(shown: ShownLandscape): void {
    this.#shown = shown;
    this.#title();
    this.#post(this.#snapshot());
  }

  /** Whether a checkpoint (absolute path) is a point of a trajectory in it. */
  shows(file: string): boolean {
    return this.#surfaces.some(({ trajectory }) => trajectory.some((point) => point.file === file));
  }

  /** Marks a checkpoint of a trajectory; null marks none. */
  select(file: string | null): void {
    this.#post({ kind: 'select', file });
  }

  reveal(): void {
    this.panel.reveal();
  }

  dispose(): void {
    this.panel.dispose();
  }

  get #surfaces(): readonly LandscapeSurface[] {
    return this.#job?.surfaces ?? this.#shown.surfaces;
  }

  #jobChanged(): void {
    this.#logEnd();
    this.#title();
    this.#post(this.#snapshot());
  }

  /** What went wrong is in the log, too, once. */
  #logEnd(): void {
    const { state, failure, doing, problems } = this.#job?.progress ?? {};
    const text = [state === 'failed' ? failure?.message : state === 'interrupted' ? doing : '', ...(problems ?? [])].filter(Boolean).join('; ');
    if (text !== '' && text !== this.#logged) this.options.log.warn(`The landscape of ${this.panel.title.replace(/^Loss: /, '')}: ${text}`);
    this.#logged = text;
  }

  #title(): void {
    const title = landscapeTitle(this.#surfaces, this.#job?.order);
    if (this.panel.title !== title) this.panel.title = title;
  }

  #snapshot(): LandscapeSnapshot {
    return { kind: 'surfaces', surfaces: this.#surfaces, files: this.files, progress: this.#job?.progress ?? null, order: this.#job?.order ?? null };
  }

  #post(message: ToLandscape): void {
    if (this.#pageReady) void this.panel.webview.postMessage(message);
  }

  #onMessage(message: FromLandscape): void {
    const { log } = this.options;
    switch (message.kind) {
      case 'ready':
        this.#pageReady = true;
        return this.#post(this.#snapshot());
      case 'openCheckpoint':
        return this.#guard('The checkpoint cannot be shown', this.#openCheckpoint(message.file));
      case 'savePicture':
        return this.#guard('The picture cannot be saved', this.#save(message.format, message.format === 'svg' ? Buffer.from(message.text, 'utf8') : new Uint8Array(message.bytes)));
      case 'exportNumbers': {
        const surfaces = this.#surfaces;
        const text = message.format === 'csv' ? surfacesToCsv(surfaces) : surfacesToJson(surfaces);
        return this.#guard('The numbers cannot be saved', this.#save(message.format, Buffer.from(text, 'utf8')));
      }
      case 'cancel':
        return this.#job?.cancel();
      case 'continue':
        if (this.#job === null) return;
        return this.#guard('The landscape cannot be computed', this.options.resume(this.#job));
      case 'refine':
        return void this.#job?.refine();
      case 'chooseExport':
        if (this.#job === null) return;
        return this.#guard('The export cannot be used', this.options.chooseExport(this.#job));
      case 'openProviderSetting':
        return void vscode.commands.executeCommand('workbench.action.openSettings', 'layerscope.modelProvider');
      case 'showLog':
        return log.show();
      case 'failed':
        return void showFailure(log, 'The loss surface page failed', new Error(message.message));
    }
  }

  async #openCheckpoint(file: string): Promise<void> {
    const surface = this.#surfaces.find(({ trajectory }) => trajectory.some((point) => point.file === file));
    if (surface === undefined) throw new Error(`no surface names the checkpoint ${file}`);
    await this.options.openCheckpoint(file, surface);
  }

  async #save(format: keyof typeof filters, bytes: Uint8Array): Promise<void> {
    const fileName = landscapeFileName(this.#surfaces, format);
    const [first] = this.files;
    const folder = first === undefined ? vscode.workspace.workspaceFolders?.[0]?.uri : vscode.Uri.file(path.dirname(first));
    const target = await vscode.window.showSaveDialog({
      title: 'Save Loss Surface',
      filters: filters[format],
      ...(folder === undefined ? {} : { defaultUri: vscode.Uri.joinPath(folder, fileName) }),
    });
    if (target !== undefined) await vscode.workspace.fs.writeFile(target, bytes);
  }

  #guard(failure: string, work: Promise<void>): void {
    work.catch((error: unknown) => void showFailure(this.options.log, failure, error));
  }
}

const filters = {
  png: { 'PNG image': ['png'] },
  svg: { 'SVG drawing': ['svg'] },
  csv: { 'Comma-separated values': ['csv'] },
  json: { JSON: ['json'] },
} as const satisfies Record<string, Record<string, string[]>>;
