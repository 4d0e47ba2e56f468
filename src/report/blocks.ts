/** What a report says, without how it is written: Markdown and HTML are made of the same blocks. */
export type Inline =
  | string
  /** Given by somebody else: a layer, a file, a tag, a run. Shown as it is, never as markup. */
  | { readonly name: string }
  | { readonly strong: string };

export type Text = string | readonly Inline[];

export interface Cell {
  readonly text: Text;
  /** Exact value behind a rounded text. */
  readonly value?: number;
  /** What goes with the value and is less important, for example its standard error. */
  readonly beside?: string;
  /** How strongly the cell is shaded, 0 to `shades`. Default 0. */
  readonly shade?: number;
  /** Words, aligned to the left. */
  readonly words?: boolean;
}

/** Steps of shading above none. */
export const shades = 6;

export interface Table {
  readonly kind: 'table';
  readonly caption: Text;
  /** What shaded cells mean, said where they are shaded. */
  readonly shading?: string;
  /** Heading above the row headings. */
  readonly corner: string;
  readonly columns: readonly Text[];
  readonly rows: readonly { readonly header: Text; readonly cells: readonly Cell[] }[];
}

export interface Section {
  readonly kind: 'section';
  /** Of the heading: 2 below the title of the document. */
  readonly level: 2 | 3 | 4;
  readonly heading: Text;
  /** To link to. */
  readonly id?: string;
  /** How bad it is, where it is bad. */
  readonly tone?: 'watch' | 'act';
  readonly blocks: readonly Block[];
}

export type Block =
  | Table
  | Section
  | { readonly kind: 'paragraph'; readonly text: Text; readonly note?: boolean }
  | { readonly kind: 'list'; readonly items: readonly Text[] }
  /** What something is called and what it is. */
  | { readonly kind: 'facts'; readonly entries: readonly (readonly [string, Text])[] }
  /** Shown when somebody asks for it. */
  | { readonly kind: 'folded'; readonly summary: Text; readonly blocks: readonly Block[] };

export interface ReportDocument {
  readonly title: string;
  /** Who made it and when. */
  readonly made: { readonly at: Date; readonly version: string };
  readonly blocks: readonly Block[];
}

/** Texts one after the other, with something between them. */
export function join(texts: readonly Text[], between: string): Text {
  return texts.flatMap((text, place): readonly Inline[] => [...(place === 0 ? [] : [between]), ...inlinesOf(text)]);
}

export function inlinesOf(text: Text): readonly Inline[] {
  return typeof text === 'string' ? [text] : text;
}

/** Without what sets some of it apart. */
export function plainText(text: Text): string {
  return inlinesOf(text).map((inline) => (typeof inline === 'string' ? inline : 'name' in inline ? inline.name : inline.strong)).join('');
}

/** Names one after the other. */
export function names(list: readonly string[]): Text {
  return join(list.map((name) => [{ name }]), ', ');
}

/**
 * Text of somebody else on one line and in the order in which it is stored: control characters become blanks, and marks that turn the
 * direction of writing, which let a name look like another one ("Trojan Source", CVE-2021-42574), the replacement character.
 */
export function plainLine(text: string): string {
  return text
    .replace(/\p{Surrogate}/gu, '\ufffd')
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ')
    .replace(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '\ufffd');
}
