import { getContrast } from 'color2k';
import { describe, expect, it } from 'vitest';
import { visibleOn } from '../../../webview-ui/src/contrast';

describe('a chart colour of a theme', () => {
  it('is kept when it stands out', () => {
    expect(getContrast(visibleOn('#1f1f1f', '#d18616', '#cccccc'), '#d18616')).toBeCloseTo(1, 1);
  });

  it.each([
    ['a highlight that is nearly transparent', '#181818', 'rgba(234, 92, 0, 0.33)', '#cccccc'],
    ['a dark colour in a dark theme', '#1f1f1f', '#402000', '#cccccc'],
    ['a pale colour in a light theme', '#ffffff', '#f8e8c0', '#3b3b3b'],
    ['anything where the foreground itself is faint', '#808080', '#808080', '#8a8a8a'],
  ])('is made visible: %s', (_what, background, color, foreground) => {
    expect(getContrast(visibleOn(background, color, foreground), background)).toBeGreaterThanOrEqual(3);
  });

  it('is left alone when it is a system colour', () => {
    expect(visibleOn('#000000', 'LinkText', '#ffffff')).toBe('LinkText');
  });
});
