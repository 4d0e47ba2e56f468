/** Shells differ in how they quote. */
export type ShellKind = 'posix' | 'powershell' | 'cmd';

/** @param shell path of the shell that terminals open; without one, the platform's usual. */
export function shellKindOf(shell: string, platform: NodeJS.Platform): ShellKind {
  const name = shell.replace(/^.*[\\/]/, '').replace(/\.exe$/i, '').toLowerCase();
  if (name === 'pwsh' || name === 'powershell') return 'powershell';
  if (name === 'cmd') return 'cmd';
  return name === '' && platform === 'win32' ? 'powershell' : 'posix';
}

/** The line that installs a wheel into a Python, as it is typed into a shell. `python` is a path or a name on the PATH. */
export function pipCommand(python: string, wheel: string, shell: ShellKind): string {
  const program = quote(python, shell);
  // PowerShell takes a line that begins with a quoted word for text.
  const call = shell === 'powershell' && program !== python ? `& ${program}` : program;
  return `${call} -m pip install ${quote(wheel, shell)}`;
}

function quote(word: string, shell: ShellKind): string {
  if (/^[\w@%+=:,./-]+$/.test(word) || (shell !== 'posix' && /^[\w@+=:,./\\-]+$/.test(word))) return word;
  if (shell === 'cmd') return `"${word}"`;
  return shell === 'powershell' ? `'${word.replaceAll("'", "''")}'` : `'${word.replaceAll("'", `'\\''`)}'`;
}
