// Style sheets are imported for esbuild, which puts them together into dist/webview/layerHealth.css.
declare module '*.css';
