import type { JSX } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { formatCount } from '../format';
import type { TableModel } from '../tableModel';

const pageSize = 100;

/** A real table: caption, scopes, exact values; long ones in pages, the latest first to be seen. */
export function DataTable({ id, table }: { id: string; table: TableModel }): JSX.Element {
  const pages = Math.max(1, Math.ceil(table.rows / pageSize));
  const [chosen, setPage] = useState<number | null>(null);
  const page = Math.min(chosen ?? pages - 1, pages - 1);
  // The last page is a full one: the latest rows are what is looked at.
  const end = table.rows - (pages - 1 - page) * pageSize;
  const first = Math.max(0, end - pageSize);
  const shown = Array.from({ length: Math.max(0, end - first) }, (_, index) => table.row(first + index));
  const scroll = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (pages > 1 && scroll.current) scroll.current.scrollTop = chosen === null ? scroll.current.scrollHeight : 0;
  }, [pages, page]);
  const grouped = table.groups.length > 0;
  const covered = table.groups.reduce((sum, group) => sum + group.columns, 0);
  return (
    <div class="data-table" id={id}>
      {table.note && <p class="note">{table.note}</p>}
      <div ref={scroll} class="table-scroll" tabIndex={0} role="region" aria-label={table.caption}>
        <table class="table">
          <caption>
            <span class="hidden">{[table.caption, table.note].filter(Boolean).join('; ')}</span>
          </caption>
          <thead>
            {grouped && (
              <tr>
                <td />
                {table.groups.map((group) => (
                  <th key={group.label} scope="colgroup" colSpan={group.columns}>
                    {group.label}
                  </th>
                ))}
                {covered < table.columns.length && <td colSpan={table.columns.length - covered} />}
              </tr>
            )}
            <tr>
              <th scope="col">{table.corner}</th>
              {table.columns.map((column, index) => (
                <th key={index} scope="col" class={shown[0]?.cells[index]?.words ? 'text' : undefined}>
                  {column}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((row, index) => (
              <tr key={first + index}>
                <th scope="row">{row.header}</th>
                {row.cells.map((cell, column) => (
                  <td key={column} class={cell.words ? 'text' : undefined}>
                    {cell.value === undefined ? cell.text : <data value={cell.value}>{cell.text}</data>}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {pages > 1 && (
        <div class="pages">
          <button type="button" class="link-button" disabled={page === 0} onClick={() => setPage(page - 1)}>
            Earlier
          </button>
          <span>
            {formatCount(first + 1)} to {formatCount(first + shown.length)} of {formatCount(table.rows)}
          </span>
          <button type="button" class="link-button" disabled={page === pages - 1} onClick={() => setPage(page + 1)}>
            Later
          </button>
        </div>
      )}
    </div>
  );
}
