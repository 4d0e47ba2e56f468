import { type Block, inlinesOf, plainText, type ReportDocument, type Section, type Table, type Text } from './blocks';
import { escapeHtml } from './escapeHtml';
import { formatMoment } from './numbers';

/** What the page is made of besides its text. All of it stands in the page itself. */
export interface ReportAssets {
  /** Style sheets of the panel and of the report. */
  readonly styles: readonly string[];
  /** Run in this order, after the text: what stands in for the editor, then the panel. */
  readonly scripts: readonly string[];
  /** What the panel shows: base64, read by the first script. */
  readonly data: string;
  /** SHA-256 of a text in UTF-8, in base64. */
  readonly sha256: (text: string) => string;
}

/**
 * The report as one HTML page that loads nothing. Its policy allows the scripts and styles that are in it, by their hashes, and nothing else, so that no
 * text that might slip through could run. Without scripts everything is there but the panel.
 */
export function renderHtml(document: ReportDocument, { styles, scripts, data, sha256 }: ReportAssets): string {
  const { title, made, blocks } = document;
  const [sheets, programs] = [styles.map(asStyle), scripts.map(asScript)];
  const sources = (texts: readonly string[]): string => texts.map((text) => `'sha256-${sha256(text)}'`).join(' ');
  const policy = `default-src 'none'; script-src ${sources(programs)}; style-src ${sources(sheets)}; img-src data:; base-uri 'none'; form-action 'none'`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="UTF-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="Layerscope ${escapeHtml(made.version)}">
<title>${escapeHtml(title)}</title>
${sheets.map((sheet) => `<style>${sheet}</style>`).join('\n')}
</head>
<body>
<header class="report">
<h1>${escapeHtml(title)}</h1>
<p class="note">Made by Layerscope ${escapeHtml(made.version)} on <time datetime="${made.at.toISOString()}">${formatMoment(made.at)}</time>.</p>
</header>
${contents(blocks)}
<div class="report" id="text">
${renderUntilSection(blocks)}
</div>
<section class="report interactive" aria-labelledby="interactive">
<h2 id="interactive">Layers and checkpoints</h2>
<p class="note" id="interactive-note">The Layer Health panel of the editor, with everything that was measured. It needs a browser that runs scripts; what stands above does not.</p>
</section>
<div id="root"></div>
<script type="application/octet-stream" id="report-data">${data}</script>
${programs.map((program) => `<script>${program}</script>`).join('\n')}
</body>
</html>
`;
}

/** Blocks before the first section get a section of their own, so that all text lies in a landmark. */
function renderUntilSection(blocks: readonly Block[]): string {
  const first = blocks.findIndex(({ kind }) => kind === 'section');
  const [before, after] = first === -1 ? [blocks, []] : [blocks.slice(0, first), blocks.slice(first)];
  const overview = before.length === 0 ? '' : `<section aria-label="Overview">\n${before.map(renderBlock).join('\n')}\n</section>\n`;
  return `${overview}${after.map(renderBlock).join('\n')}`;
}

function contents(blocks: readonly Block[]): string {
  const sections = blocks.filter((block): block is Section & { id: string } => block.kind === 'section' && block.id !== undefined);
  const links = [...sections.map(({ id, heading }) => [id, renderText(heading)]), ['interactive', 'Layers and checkpoints']];
  return `<nav class="report" aria-label="Contents">\n<ul>\n${links.map(([id, text]) => `<li><a href="#${escapeHtml(id ?? '')}">${text ?? ''}</a></li>`).join('\n')}\n</ul>\n</nav>`;
}

function renderBlock(block: Block): string {
  switch (block.kind) {
    case 'section':
      return renderSection(block);
    case 'paragraph':
      return `<p${block.note === true ? ' class="note"' : ''}>${renderText(block.text)}</p>`;
    case 'list':
      return `<ul>\n${block.items.map((item) => `<li>${renderText(item)}</li>`).join('\n')}\n</ul>`;
    case 'facts':
      return `<dl>\n${block.entries.map(([name, text]) => `<div><dt>${escapeHtml(name)}</dt><dd>${renderText(text)}</dd></div>`).join('\n')}\n</dl>`;
    case 'table':
      return renderTable(block);
    case 'folded':
      return `<details>\n<summary>${renderText(block.summary)}</summary>\n${block.blocks.map(renderBlock).join('\n')}\n</details>`;
  }
}

/** Runs are landmarks; what is below them is not, or there would be too many to find one's way by. */
function renderSection({ level, heading, id, tone, blocks }: Section): string {
  const marks = `${id === undefined ? '' : ` id="${escapeHtml(id)}"`}${level === 2 ? ` aria-label="${escapeHtml(plainText(heading))}"` : ''}${tone === undefined ? '' : ` class="finding-${tone}"`}`;
  const element = level === 2 ? 'section' : 'div';
  return `<${element}${marks}>\n<h${String(level)}>${renderText(heading)}</h${String(level)}>\n${blocks.map(renderBlock).join('\n')}\n</${element}>`;
}

function renderTable({ caption, shading, corner, columns, rows }: Table): string {
  const isWords = columns.map((_, column) => rows.some(({ cells }) => cells[column]?.words === true));
  const head = columns.map((text, column) => `<th scope="col"${isWords[column] === true ? ' class="words"' : ''}>${renderText(text)}</th>`).join('');
  const body = rows.map(({ header, cells }) => `<tr><th scope="row">${renderText(header)}</th>${cells.map(renderCell).join('')}</tr>`).join('\n');
  // What is wider than the page is scrolled, which takes a place for the keyboard.
  return `<div class="wide" tabindex="0" role="group" aria-label="${escapeHtml(plainText(caption))}">
<table>
<caption><span>${renderText(caption)}${shading === undefined ? '' : ` <small>${escapeHtml(shading)}</small>`}</span></caption>
<thead><tr><th scope="col">${escapeHtml(corner)}</th>${head}</tr></thead>
<tbody>
${body}
</tbody>
</table>
</div>`;
}

function renderCell({ text, value, beside, shade, words }: Table['rows'][number]['cells'][number]): string {
  const classes = [...(words === true ? ['words'] : []), ...(shade === undefined || shade === 0 ? [] : [`shade-${String(shade)}`])];
  const shown = value === undefined ? renderText(text) : `<data value="${String(value)}">${renderText(text)}</data>`;
  return `<td${classes.length === 0 ? '' : ` class="${classes.join(' ')}"`}>${shown}${beside === undefined ? '' : ` <small>${escapeHtml(beside)}</small>`}</td>`;
}

function renderText(text: Text): string {
  return inlinesOf(text)
    .map((inline) => (typeof inline === 'string' ? escapeHtml(inline) : 'name' in inline ? `<code>${escapeHtml(inline.name)}</code>` : `<strong>${escapeHtml(inline.strong)}</strong>`))
    .join('');
}

/**
 * A program inside a script element ends at `</script`, and `<!--` changes where that is looked for (HTML 13.2.5.4, "script data"). Inside the strings
 * and regular expressions in which they occur a backslash changes nothing. What only a debugger reads is left out.
 */
function asScript(program: string): string {
  return `\n${program.replace(/\r\n?/g, '\n').replace(/^\/\/# sourceMappingURL=.*$/gm, '').replace(/<(?=\/script)/gi, '<\\').replaceAll('<!--', '<\\!--').trim()}\n`;
}

function asStyle(sheet: string): string {
  return `\n${sheet.replace(/\r\n?/g, '\n').replace(/^\/\*# sourceMappingURL=.*\*\/$/gm, '').replace(/<(?=\/style)/gi, '<\\').trim()}\n`;
}
