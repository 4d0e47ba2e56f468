import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import { createScalarLines, type ScalarLinesModel } from '../charts/scalarLines';
import type { TimeModel } from '../charts/timeChart';
import { visibleOn } from '../contrast';
import { formatAt, formatCount, formatValue, plural } from '../format';
import { nearestPoint, placeScalar, type PlacedScalar, type ScalarChoice } from '../select/scalars';
import { smooth, smoothings } from '../select/smooth';
import type { Timeline } from '../select/timeline';
import { scalarTable } from '../tables';
import type { Theme } from '../theme';
import { ChartFrame, type ChartKeys } from './ChartFrame';
import { DataTable } from './DataTable';
import { useCursor } from './hooks';
import { zoomFromKeyboard } from './keys';
import { LineSample } from './LineSample';

/** Keys that cross a log of a million points. */
const keySteps = 200;

export interface PlacedMember {
  readonly label: string;
  readonly heldOut: boolean;
  readonly nonFinite: number;
  readonly placed: PlacedScalar;
  /** What is drawn over it; null when the log is drawn as it is. */
  readonly smoothed: PlacedScalar | null;
}

export function placeMembers(choice: ScalarChoice | undefined, timeline: Timeline, smoothing: number): readonly PlacedMember[] {
  return (choice?.members ?? []).map(({ series, label, heldOut }) => {
    const placed = placeScalar(series, timeline);
    return { label, heldOut, nonFinite: series.nonFinite, placed, smoothed: smoothing === 0 ? null : { ...placed, values: smooth(placed.values, smoothing) } };
  });
}

/** What the run itself logged, on the same axis. */
export function ScalarsSection(props: {
  readonly unit: string;
  readonly time: TimeModel;
  readonly choices: readonly ScalarChoice[];
  readonly chosen: ScalarChoice;
  readonly members: readonly PlacedMember[];
  readonly onset: ScalarLinesModel['onset'];
  readonly asTable: boolean;
  readonly onChoose: (id: string) => void;
  readonly smoothing: number;
  readonly onSmooth: (weight: number) => void;
}): JSX.Element {
  const { unit, time, choices, chosen, members, onset, asTable, onChoose, smoothing, onSmooth } = props;
  const model = useMemo(
    (): ScalarLinesModel => ({
      ...time,
      onset,
      lines: members.map(({ label, heldOut, placed, smoothed }, index) => ({ label, heldOut, placed: smoothed ?? placed, color: colorOf(time.theme, members, index) })),
      asLogged: members.flatMap(({ label, placed, smoothed }) => (smoothed ? [{ label: `${label} as logged`, placed, color: visibleOn(time.theme.background, time.theme.lines, time.theme.foreground) }] : [])),
    }),
    [time, members, onset],
  );
  const nonFinite = members.reduce((sum, member) => sum + member.nonFinite, 0);
  const unplaced = members.reduce((sum, member) => sum + member.placed.unplaced, 0);
  return (
    <section class="section" aria-labelledby="scalars-title">
      <div class="section-head">
        <h2 id="scalars-title" class="section-title">
          Log
        </h2>
        <select class="select" aria-label="Logged quantity" value={chosen.id} onChange={(event) => onChoose(event.currentTarget.value)}>
          {choices.map((choice) => (
            <option key={choice.id} value={choice.id}>
              {choice.label}
            </option>
          ))}
        </select>
        {!asTable && (
          <select class="select smoothing" aria-label="Smoothing" value={String(smoothing)} onChange={(event) => onSmooth(Number(event.currentTarget.value))}>
            {smoothings.map((weight) => (
              <option key={weight} value={String(weight)}>
                {weight === 0 ? 'as logged' : `smooth ${weight}`}
              </option>
            ))}
          </select>
        )}
      </div>
      {asTable ? <DataTable key={chosen.id} id="scalars-table" table={scalarTable(unit, members)} /> : <ScalarsChart unit={unit} model={model} members={members} />}
      {nonFinite > 0 && <p class="note">{plural(nonFinite, 'logged value')} {nonFinite === 1 ? 'is' : 'are'} not a finite number: a gap in the line.</p>}
      {unplaced > 0 && (
        <p class="note">
          {plural(unplaced, 'point')} {unplaced === 1 ? 'names' : 'name'} no {unit} and cannot be placed.
        </p>
      )}
    </section>
  );
}

/** Solid and dashed tell two lines apart; more of them need colours. */
function colorOf(theme: Theme, members: readonly PlacedMember[], index: number): string {
  return (members.length > 2 ? theme.series[index % theme.series.length] : undefined) ?? theme.foreground;
}

function ScalarsChart({ unit, model, members }: { unit: string; model: ScalarLinesModel; members: readonly PlacedMember[] }): JSX.Element {
  const position = useCursor(model.cursor);
  const first = members[0]?.placed;
  const here = first ? (position ? nearestPoint(first, position.at) : first.at.length - 1) : -1;
  const at = first?.at[here] ?? NaN;
  const values = members.map(({ placed }) => {
    const value = placed.values[position ? nearestPoint(placed, position.at) : placed.at.length - 1] ?? NaN;
    return Number.isNaN(value) ? 'not finite' : formatValue(value);
  });
  const keys: ChartKeys = {
    count: first?.at.length ?? 0,
    index: here,
    text: `${unit} ${formatAt(at)}: ${members.map((member, index) => `${member.label} ${values[index] ?? ''}`).join(', ')}`,
    move: (step) => {
      const last = (first?.at.length ?? 0) - 1;
      const stride = Math.max(1, Math.ceil(last / keySteps));
      const target = { previous: here - stride, next: here + stride, first: 0, last, up: here, down: here }[step];
      const place = first?.at[Math.min(last, Math.max(0, target))];
      if (place !== undefined && !Number.isNaN(place)) model.cursor.point({ at: place, layer: null });
    },
    zoom: (direction) => zoomFromKeyboard(model, direction),
    leave: () => model.cursor.point(null),
  };
  return (
    <>
      <ChartFrame
        id="scalar-lines"
        create={createScalarLines}
        model={model}
        height={model.roomy ? 140 : 110}
        label={`Log of ${members.map((member) => member.label).join(' and ')}, ${formatCount(keys.count)} points. Left and right: ${unit}.`}
        keys={keys}
      />
      <p class="scalar-key" data-test="scalar-key">
        <span class="scalar-key-at">{Number.isNaN(at) ? '' : `${unit} ${formatAt(at)}`}</span>
        {members.map((member, index) => (
          <span key={member.label} class="scalar-key-item">
            <LineSample dashed={member.heldOut} color={colorOf(model.theme, members, index)} theme={model.theme} />
            {member.label} <strong>{values[index]}</strong>
          </span>
        ))}
      </p>
    </>
  );
}
