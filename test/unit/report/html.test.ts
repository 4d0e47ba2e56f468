import { createHash } from 'node:crypto';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { renderHtml, type ReportAssets } from '../../../src/report';
import type { Block } from '../../../src/report/blocks';
import { hostileNames } from './runs';

const made = { at: new Date('2026-03-01T09:30:00Z'), version: '1.2.3' };
const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64');
const assets: ReportAssets = { styles: ['body { color: red }'], scripts: ['first = 1', 'second = 2'], data: 'QUJD', sha256 };
const write = (blocks: readonly Block[], change: Partial<ReportAssets> = {}, title = 'Title'): string => renderHtml({ title, made, blocks }, { ...assets, ...change });
const contentsOf = (page: string, element: 'script' | 'style'): string[] => [...page.matchAll(new RegExp(`<${element}>([^]*?)</${element}`, 'g'))].map(([, text]) => text ?? '');

describe('a report in HTML', () => {
  it('allows exactly the scripts and styles that are in it, and nothing from anywhere', () => {
    const page = write([]);
    const policy = /http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(page)?.[1];
    const hashes = (element: 'script' | 'style'): string => contentsOf(page, element).map((text) => `'sha256-${sha256(text)}'`).join(' ');
    expect(contentsOf(page, 'script')).toHaveLength(2);
    expect(policy).toBe(`default-src 'none'; script-src ${hashes('script')}; style-src ${hashes('style')}; img-src data:; base-uri 'none'; form-action 'none'`);
    expect(page).not.toMatch(/(?:src|href)="(?!#)/);
  });

  it('keeps a program whole that speaks of the end of scripts, and lets it say the same', () => {
    const program = 'said = ["</script>", "<!-- x", `</SCRIPT >`, /<\\/script>/.test("</script>")]\r\n//# sourceMappingURL=program.js.map\n';
    const page = write([], { scripts: [program] });
    expect(contentsOf(page, 'script')).toHaveLength(1);
    const [written = ''] = contentsOf(page, 'script');
    expect(written).not.toMatch(/<\/script|<!--|sourceMappingURL|\r/i);
    const world: { said?: unknown } = {};
    runInNewContext(written, world);
    expect(JSON.stringify(world.said)).toBe(JSON.stringify(['</script>', '<!-- x', '</SCRIPT >', true]));
  });

  it.each(hostileNames)('leaves names and texts as text, wherever they stand: %j', (name) => {
    const table: Block = { kind: 'table', caption: name, shading: name, corner: name, columns: [[{ name }]], rows: [{ header: [{ name }], cells: [{ text: name, beside: name }] }] };
    const every = (text: string): readonly Block[] => [
      { kind: 'section', level: 2, id: text, heading: [{ name: text }], blocks: [{ kind: 'paragraph', text }, { kind: 'list', items: [text] }, { kind: 'facts', entries: [[text, text]] }, { kind: 'folded', summary: text, blocks: [table] }] },
    ];
    const shape = (page: string): string[] => [...page.replace(/<script[^]*?<\/script>/g, '').matchAll(/<[^>]*>/g)].map(([tag]) => tag.replace(/"[^"]*"/g, '""'));
    // The same elements with the same attributes as around a harmless word.
    const expected = shape(write(every('word'), {}, 'word'));
    expect(shape(write(every(name), {}, name))).toEqual(expected);
    expect(write(every(name), {}, name)).not.toContain('\u202e');
  });

  it('has each number with all its digits behind the rounded one, and says what shading means', () => {
    const page = write([
      {
        kind: 'table', caption: 'Gaps', shading: 'Shaded: large.', corner: 'layer', columns: ['epoch 1'],
        rows: [{ header: [{ name: 'block0' }], cells: [{ text: '0.3333', value: 1 / 3, beside: '± 0.1', shade: 2 }] }],
      },
    ]);
    expect(page).toContain('<td class="shade-2"><data value="0.3333333333333333">0.3333</data> <small>± 0.1</small></td>');
    expect(page).toContain('<caption><span>Gaps <small>Shaded: large.</small></span></caption>');
    expect(page).toContain('<th scope="col">epoch 1</th>');
    expect(page).toContain('<th scope="row"><code>block0</code></th>');
  });

  it('leads from the contents to each run and to the panel', () => {
    const page = write([{ kind: 'section', level: 2, id: 'run-1', heading: 'One', blocks: [] }]);
    expect([...page.matchAll(/<a href="#([^"]+)"/g)].map(([, id]) => id)).toEqual(['run-1', 'interactive']);
    for (const id of ['run-1', 'interactive', 'root', 'report-data']) expect(page).toContain(`id="${id}"`);
  });
});
