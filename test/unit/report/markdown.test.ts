import { describe, expect, it } from 'vitest';
import type { Block } from '../../../src/report/blocks';
import { renderMarkdown } from '../../../src/report';
import { hostileNames } from './runs';

const made = { at: new Date('2026-03-01T09:30:00Z'), version: '1.2.3' };
const write = (...blocks: Block[]): string => renderMarkdown({ title: 'Title', made, blocks });
/** The one block of a document. */
const bodyOf = (block: Block): string => write(block).split('\n\n').slice(2).join('\n\n').trimEnd();

/** A line of a table as GFM takes it apart: at each bar that no backslash precedes. */
function cellsOf(line: string): string[] {
  return line.split(/(?<!\\)\|/).slice(1, -1).map((cell) => cell.trim());
}

describe('a report in Markdown', () => {
  it('begins with its title, who made it and when', () => {
    expect(write()).toBe('# Title\n\nMade by Layerscope 1.2.3 on 2026-03-01 09:30 UTC.\n');
  });

  it('has sections as headings, facts and lists as lists, tables with numbers to the right, and folds what is folded', () => {
    const table: Block = {
      kind: 'table', caption: 'A table', corner: 'layer', columns: ['value', 'why'],
      rows: [{ header: [{ name: 'block0' }], cells: [{ text: '0.5', value: 0.5, beside: '± 0.1' }, { text: 'words', words: true }] }],
    };
    expect(write({ kind: 'section', level: 2, heading: ['Run ', { name: 'a' }], blocks: [{ kind: 'facts', entries: [['Health', [{ strong: 'act' }]]] }, { kind: 'folded', summary: 'More', blocks: [table] }] })).toBe(
      [
        '# Title', 'Made by Layerscope 1.2.3 on 2026-03-01 09:30 UTC.', '## Run `a`', '- **Health:** **act**', '<details><summary>More</summary>', 'A table',
        '| layer | value | why |\n| --- | ---: | --- |\n| `block0` | 0.5 ± 0.1 | words |', '</details>\n',
      ].join('\n\n'),
    );
  });

  it.each(hostileNames)('leaves a name in a table as one cell of code: %j', (name) => {
    const body = bodyOf({ kind: 'table', caption: 'c', corner: 'layer', columns: ['a'], rows: [{ header: [{ name }], cells: [{ text: 'x' }] }] });
    const cells = cellsOf(body.split('\n').at(-1) ?? '');
    expect(cells).toHaveLength(2);
    expect(cells[0]).toMatch(/^(`[^`|\\]+`|<code>([A-Za-z0-9]|&#\d+;|<span>@<\/span>)*<\/code>)$/);
  });

  it.each(hostileNames)('leaves a text as text: %j', (text) => {
    const line = bodyOf({ kind: 'paragraph', text });
    expect(line).not.toContain('\n');
    // Signs of markup stand behind a backslash, or are the elements and entities that were put there.
    const rest = line.replace(/<span>[@#$:.-]<\/span>/g, 'x').replace(/&amp;|&#124;/g, 'x').replace(/\\[\\`*_[\]<>~#!+=-]/g, 'x').replace(/^\d+\\[.)]/, 'x');
    expect(rest).not.toMatch(/[\\`*[\]<>~!|&@$]|:\/\/|www\.|#\d|GH-\d|^[-+=]|^\d+[.)]|\u202e/);
  });

  it('escapes what a summary of something folded holds as HTML, which is what GitHub reads it as', () => {
    expect(bodyOf({ kind: 'folded', summary: '<b> & `c`', blocks: [] })).toBe('<details><summary>&lt;b&gt; &amp; `c`</summary>\n\n</details>');
  });
});
