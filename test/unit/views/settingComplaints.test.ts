import { beforeEach, describe, expect, it, vi } from 'vitest';
import type * as vscode from 'vscode';
import type { SessionEvent } from '../../../src/views/session';
import { registerSettingComplaints } from '../../../src/views/settingComplaints';

const window = vi.hoisted(() => ({
  settings: {} as Record<string, unknown>,
  shown: [] as { message: string; actions: string[] }[],
  commands: [] as unknown[][],
  answer: undefined as string | undefined,
  changed: () => undefined as unknown,
}));

vi.mock('vscode', () => ({
  Disposable: { from: () => ({ dispose: () => undefined }) },
  workspace: {
    isTrusted: true,
    getConfiguration: () => ({ get: (name: string) => window.settings[name] }),
    onDidChangeConfiguration: (listener: (event: object) => void) => {
      window.changed = () => listener({ affectsConfiguration: () => true });
      return { dispose: () => undefined };
    },
    onDidGrantWorkspaceTrust: () => ({ dispose: () => undefined }),
  },
  window: {
    showWarningMessage: (message: string, ...actions: string[]) => {
      window.shown.push({ message, actions });
      return Promise.resolve(window.answer);
    },
  },
  commands: {
    executeCommand: (...command: unknown[]) => {
      window.commands.push(command);
      return Promise.resolve();
    },
  },
}));

describe('settings that cannot be used', () => {
  let logged: string[];
  let tell: (event: SessionEvent) => void;

  beforeEach(() => {
    Object.assign(window, { settings: {}, shown: [], commands: [], answer: undefined });
    logged = [];
    const uri = { fsPath: '/storage' };
    const context = { subscriptions: [], storageUri: uri, globalStorageUri: uri } as unknown as vscode.ExtensionContext;
    registerSettingComplaints(context, {
      session: { onDidChange: (listener) => ((tell = listener), { dispose: () => undefined }) },
      log: { warn: (message) => void logged.push(message) },
    });
  });

  it('are told in the log and in one notification when the worker is about to read them', () => {
    window.settings = { 'measure.eps2': 'half' };
    expect(window.shown).toEqual([]);
    tell({ kind: 'folders' });
    expect(logged).toEqual(['The setting layerscope.measure.eps2 is "half", which is not a number; 0.5 is used instead.']);
    expect(window.shown).toEqual([{ message: 'Layerscope: The setting layerscope.measure.eps2 is "half", which is not a number; 0.5 is used instead', actions: ['Open Settings'] }]);
  });

  it('are told once for each value, however often they are read and changed', () => {
    window.settings = { 'measure.eps2': 'half' };
    for (let time = 0; time < 3; time += 1) tell({ kind: 'folders' });
    window.changed();
    window.settings = { 'measure.eps2': 0.5 };
    window.changed();
    window.settings = { 'measure.eps2': 'half' };
    window.changed();
    expect([logged.length, window.shown.length]).toEqual([1, 1]);
    window.settings = { 'measure.eps2': 'third' };
    window.changed();
    expect(logged.at(-1)).toContain('is "third"');
    expect([logged.length, window.shown.length]).toEqual([2, 2]);
  });

  it('are told by nothing else that happens, and not at all when there are none', () => {
    tell({ kind: 'folders' });
    window.changed();
    window.settings = { engine: 'magic' };
    tell({ kind: 'progress' });
    tell({ kind: 'worker' });
    expect([logged, window.shown]).toEqual([[], []]);
  });

  it('are each a line of the log and together one notification, whose button opens them all', async () => {
    window.settings = { engine: 'magic', 'poll.interval': 1 };
    window.answer = 'Open Settings';
    tell({ kind: 'folders' });
    await vi.waitFor(() => expect(window.commands).toEqual([['workbench.action.openSettings', '@id:layerscope.engine,layerscope.poll.interval']]));
    expect(logged).toHaveLength(2);
    expect(window.shown.map(({ message }) => message)).toEqual([expect.stringMatching(/layerscope\.engine is "magic".* \(and 1 more\)$/)]);
  });

  it('open nothing when the notification is dismissed', async () => {
    window.settings = { engine: 'magic' };
    tell({ kind: 'folders' });
    await Promise.resolve();
    expect(window.commands).toEqual([]);
  });

  it('bring no link into the notification, as a folder may bring settings', () => {
    window.settings = { partition: '[Mend it](command:workbench.action.terminal.new)' };
    tell({ kind: 'folders' });
    expect(window.shown[0]?.message).toContain('"[Mend it] (command:');
  });
});
