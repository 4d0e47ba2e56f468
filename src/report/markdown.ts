import { type Block, type Inline, inlinesOf, plainLine, plainText, type ReportDocument, type Table, type Text } from './blocks';
import { escapeHtml } from './escapeHtml';
import { formatMoment } from './numbers';

/**
 * The report as GitHub-flavoured Markdown. Names and texts of others stay text: they become no markup, no link, no picture, no mention and no
 * reference to an issue. What may be folded is a `<details>` element, which GitHub, GitLab and editors show.
 */
export function renderMarkdown({ title, made, blocks }: ReportDocument): string {
  const lines = [`# ${inlineText(title)}`, `Made by Layerscope ${inlineText(made.version)} on ${formatMoment(made.at)}.`, ...blocks.flatMap(renderBlock)];
  return `${lines.join('\n\n')}\n`;
}

function renderBlock(block: Block): string[] {
  switch (block.kind) {
    case 'section':
      return [`${'#'.repeat(block.level)} ${renderText(block.heading)}`, ...block.blocks.flatMap(renderBlock)];
    case 'paragraph':
      return [renderLine(block.text)];
    case 'list':
      return [block.items.map((item) => `- ${renderLine(item)}`).join('\n')];
    case 'facts':
      return [block.entries.map(([name, text]) => `- **${inlineText(name)}:** ${renderText(text)}`).join('\n')];
    case 'table':
      return renderTable(block);
    case 'folded':
      return [`<details><summary>${escapeHtml(plainText(block.summary))}</summary>`, ...block.blocks.flatMap(renderBlock), '</details>'];
  }
}

function renderTable({ caption, corner, columns, rows }: Table): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const isWords = columns.map((_, column) => rows.some(({ cells }) => cells[column]?.words === true));
  const table = [
    line([inlineText(corner), ...columns.map(renderText)]),
    line(['---', ...isWords.map((words) => (words ? '---' : '---:'))]),
    ...rows.map(({ header, cells }) => line([renderText(header), ...cells.map(({ text, beside }) => `${renderText(text)}${beside === undefined ? '' : ` ${inlineText(beside)}`}`)])),
  ];
  return [renderLine(caption), table.join('\n')];
}

/** Text at the beginning of a line, where some signs begin a list, a heading, a quotation or a rule. */
function renderLine(text: Text): string {
  return renderText(text)
    .replace(/^\s+/, '')
    .replace(/^(\d+)([.)])/, '$1\\$2')
    .replace(/^[-+=]/, '\\$&');
}

function renderText(text: Text): string {
  return inlinesOf(text).map(renderInline).join('');
}

function renderInline(inline: Inline): string {
  if (typeof inline === 'string') return inlineText(inline);
  return 'name' in inline ? codeText(inline.name) : `**${inlineText(inline.strong)}**`;
}

/**
 * Backslashes keep signs from being markup (CommonMark 0.31, 2.4). Mentions, references and bare addresses are made of text by GitHub, whatever stands
 * before them: an element around one sign takes the text apart.
 */
function inlineText(text: string): string {
  return plainLine(text).replace(signs, (sign, apart: string | undefined) => (apart !== undefined ? `<span>${sign}</span>` : (entities[sign] ?? `\\${sign}`)));
}

/** First those that take an element around them, then those that take a backslash or an entity. */
const signs = /(@|\$|#(?=\d)|:(?=\/\/)|(?<=\bwww)\.|(?<=\bGH)-(?=\d))|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|[&\\`*[\]<>|~#!]/gi;
const entities: Readonly<Record<string, string>> = { '&': '&amp;', '|': '&#124;' };

/** A name as code, in which nothing is markup; one that holds signs that end code or a table cell letter by letter in an element. */
function codeText(name: string): string {
  const text = plainLine(name);
  if (/^[^`|\\\s](?:[^`|\\]*[^`|\\\s])?$/.test(text)) return `\`${text}\``;
  return `<code>${text.replace(/[^A-Za-z0-9]/gu, (sign) => (sign === '@' ? '<span>@</span>' : `&#${String(sign.codePointAt(0))};`))}</code>`;
}
