import { visibleOn } from './contrast';

/** The colours of the VS Code theme, as strings a canvas understands. */
export interface Theme {
  readonly dark: boolean;
  readonly highContrast: boolean;
  readonly background: string;
  readonly foreground: string;
  readonly muted: string;
  readonly lines: string;
  readonly focus: string;
  /** Border that high-contrast themes ask for; null in the others. */
  readonly contrastBorder: string | null;
  /** One a layer, told apart by marker as well. */
  readonly series: readonly string[];
  readonly warning: string;
  readonly fontFamily: string;
}

export function readTheme(): Theme {
  const style = getComputedStyle(document.documentElement);
  const bodyStyle = getComputedStyle(document.body);
  const read = (name: string): string => style.getPropertyValue(`--vscode-${name}`).trim();
  const classes = document.body.classList;
  const forced = matchMedia('(forced-colors: active)').matches;
  const highContrast = forced || classes.contains('vscode-high-contrast') || classes.contains('vscode-high-contrast-light');
  const foreground = read('charts-foreground') || read('foreground') || bodyStyle.color;
  const color = (name: string): string => read(name) || foreground;
  // The body of a view is transparent; what shines through is the sidebar or the panel.
  const background = isTransparent(bodyStyle.backgroundColor) ? read('sideBar-background') || read('editor-background') : bodyStyle.backgroundColor;
  const drawn = (name: string): string => visibleOn(background, color(name), foreground);
  return {
    dark: forced ? matchMedia('(prefers-color-scheme: dark)').matches : !(classes.contains('vscode-light') || classes.contains('vscode-high-contrast-light')),
    highContrast,
    background,
    foreground,
    muted: highContrast ? foreground : color('descriptionForeground'),
    lines: color('charts-lines'),
    focus: color('focusBorder'),
    contrastBorder: highContrast ? color('contrastBorder') : null,
    series: ['blue', 'orange', 'green', 'purple', 'red', 'yellow'].map((name) => drawn(`charts-${name}`)),
    warning: drawn('charts-yellow'),
    fontFamily: read('font-family') || bodyStyle.fontFamily,
  };
}

function isTransparent(color: string): boolean {
  return color === '' || color === 'transparent' || /^rgba\(.*, 0\)$/.test(color);
}

/** Calls back whenever VS Code changes the theme. Answers with the function that stops it. */
export function watchTheme(changed: () => void): () => void {
  const observer = new MutationObserver(changed);
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ['style', 'class'] });
  observer.observe(document.body, { attributes: true, attributeFilter: ['class', 'data-vscode-theme-id', 'data-vscode-theme-kind'] });
  const forced = matchMedia('(forced-colors: active)');
  forced.addEventListener('change', changed);
  return () => {
    observer.disconnect();
    forced.removeEventListener('change', changed);
  };
}
