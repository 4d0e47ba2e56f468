import { plainLine } from './blocks';

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Text as text of an element or value of an attribute between quotation marks. */
export function escapeHtml(text: string): string {
  return plainLine(text).replace(/[&<>"']/g, (sign) => entities[sign] ?? sign);
}
