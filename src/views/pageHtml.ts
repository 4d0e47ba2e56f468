import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';

/**
 * The document of a webview: one script and one style sheet of the extension, and nothing from anywhere else.
 * @param name of both files in the folder `root`, without their endings.
 */
export function pageHtml(webview: vscode.Webview, root: vscode.Uri, { name, title }: { readonly name: string; readonly title: string }): string {
  const nonce = randomBytes(16).toString('base64');
  const source = webview.cspSource;
  const script = webview.asWebviewUri(vscode.Uri.joinPath(root, `${name}.js`)).toString();
  const style = webview.asWebviewUri(vscode.Uri.joinPath(root, `${name}.css`)).toString();
  const policy = `default-src 'none'; script-src 'nonce-${nonce}'; style-src ${source}; img-src ${source} data:; font-src ${source}`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="UTF-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="${style}">
<title>${title}</title>
</head>
<body data-vscode-context='{"preventDefaultContextMenuItems": true}'>
<div id="root"></div>
<script nonce="${nonce}" src="${script}"></script>
</body>
</html>`;
}
