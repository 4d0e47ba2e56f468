import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { pipCommand, shellKindOf } from '../../../src/views/pipCommand';

const wheel = '/home/me/.vscode/extensions/layerscope.layerscope-0.1.0/dist/companion/layerscope-0.1.0-py3-none-any.whl';

describe('the command that installs the companion', () => {
  it('is what a person would type', () => {
    expect(pipCommand('python3', wheel, 'posix')).toBe(`python3 -m pip install ${wheel}`);
    expect(pipCommand('C:\\venv\\python.exe', 'C:\\ext\\l.whl', 'powershell')).toBe('C:\\venv\\python.exe -m pip install C:\\ext\\l.whl');
  });

  it.each([
    ['posix', `'/my env/bin/python' -m pip install '/it'\\''s/l $(x).whl'`],
    ['powershell', `& '/my env/bin/python' -m pip install '/it''s/l $(x).whl'`],
    ['cmd', `"/my env/bin/python" -m pip install "/it's/l $(x).whl"`],
  ] as const)('quotes for %s what its words hold', (shell, wanted) => {
    expect(pipCommand('/my env/bin/python', "/it's/l $(x).whl", shell)).toBe(wanted);
  });

  it.skipIf(process.platform === 'win32')('reaches the program word by word through a shell', () => {
    const odd = `/a "b" 'c' $HOME \`d\` \\e;f&g.whl`;
    const { stdout } = spawnSync('sh', ['-c', pipCommand('printf', odd, 'posix').replace('printf', `printf '%s\\n'`)], { encoding: 'utf8' });
    expect(stdout.split('\n')).toEqual(['-m', 'pip', 'install', odd, '']);
  });

  it.each([
    ['/usr/bin/zsh', 'darwin', 'posix'], ['/usr/bin/pwsh', 'linux', 'powershell'], ['C:\\WINDOWS\\System32\\WindowsPowerShell\\v1.0\\powershell.exe', 'win32', 'powershell'],
    ['C:\\WINDOWS\\System32\\cmd.exe', 'win32', 'cmd'], ['C:\\Program Files\\Git\\bin\\bash.exe', 'win32', 'posix'], ['', 'win32', 'powershell'], ['', 'linux', 'posix'],
  ] as const)('knows the shell %s on %s as %s', (shell, platform, kind) => {
    expect(shellKindOf(shell, platform)).toBe(kind);
  });
});
