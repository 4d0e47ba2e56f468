import type { JSX } from 'preact';
import { useMemo, useRef, useState } from 'preact/hooks';
import type { LandscapeOrder, LandscapeSurface } from '../../../src/protocol';
import { DataTable } from '../components/DataTable';
import { useTheme } from '../components/hooks';
import { Icon } from '../components/Icon';
import { Segmented } from '../components/Segmented';
import { ComputeRow } from './ComputeRow';
import { makePicture, toPng } from './exportPicture';
import { isLine } from './grid';
import { lossRange, suitableHeight, whyNotLog, type HeightKind } from './heightScale';
import { loadArrangement, post, saveArrangement } from './landscapeApi';
import { LossLines } from './LossLines';
import { compare, describeSetting, differences, summarize } from './summary';
import { makeSurfaceModels } from './surfaceModel';
import { SurfaceSection, type Form } from './SurfaceSection';
import { factsTable, linesTable } from './tables';
import { useSurfaces } from './useSurfaces';

/** The page of loss surfaces: what they are, how they look, what they say. */
export function LandscapeApp(): JSX.Element {
  const { surfaces, progress, order, selected, select } = useSurfaces();
  const theme = useTheme();
  const page = useRef<HTMLElement>(null);
  const [form, setForm] = useState<Form>(() => loadArrangement().form);
  const [chosenHeight, setHeight] = useState<HeightKind | null>(() => loadArrangement().height);
  const [failure, setFailure] = useState<string | null>(null);
  const range = useMemo(() => lossRange((surfaces ?? []).map(({ loss }) => loss)), [surfaces]);
  const height = range !== null && range.low <= 0 ? 'linear' : (chosenHeight ?? suitableHeight(range));
  const models = useMemo(() => makeSurfaceModels(surfaces ?? [], height), [surfaces, height]);
  const lines = useMemo(() => (surfaces ?? []).filter(isLine), [surfaces]);
  if (surfaces === null) return <main class="panel landscape" data-ready={false} />;
  const different = differences(surfaces.filter((surface) => !isLine(surface)));
  const facts = factsTable(surfaces);
  const settings = [...new Set(surfaces.map(({ setting }) => describeSetting(setting)))];
  const save = async (format: 'png' | 'svg'): Promise<void> => {
    setFailure(null);
    try {
      if (!page.current) return;
      if (format === 'svg') post({ kind: 'savePicture', format, text: makePicture(page.current, theme, true).svg });
      else post({ kind: 'savePicture', format, bytes: await toPng(makePicture(page.current, theme, false)) });
    } catch (error) {
      setFailure(`The picture could not be made: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  const head = (
    <>
      <header class="landscape-head">
        <h1 class="landscape-title">{headingOf(surfaces, order)}</h1>
        {settings.map((setting) => (
          <p key={setting} class="note">
            {setting}
          </p>
        ))}
      </header>
      {progress !== null && <ComputeRow progress={progress} order={order} />}
    </>
  );
  if (surfaces.length === 0) {
    return (
      <main ref={page} class="panel landscape" data-ready={true}>
        {head}
      </main>
    );
  }
  return (
    <main ref={page} class="panel landscape" data-ready={true}>
      {head}
      <div class="toolbar landscape-toolbar">
        <Segmented
          name="form"
          label="Show as"
          segments={models.length > 0 ? allForms : lineForms}
          value={models.length === 0 && form === 'surface' ? 'contours' : form}
          onChange={(next) => {
            setForm(next);
            saveArrangement({ form: next });
          }}
        />
        <Segmented
          name="height"
          label="Height and colours"
          segments={heights}
          value={height}
          disabled={range === null ? null : whyNotLog(range.low)}
          onChange={(next) => {
            setHeight(next);
            saveArrangement({ height: next });
          }}
        />
        <div class="export" role="group" aria-label="Export">
          <button type="button" class="link-button" disabled={form === 'table'} title="Save a picture" onClick={() => void save('png')}>
            PNG
          </button>
          <button type="button" class="link-button" disabled={form !== 'contours' || models.length === 0} title="Save the contours as a drawing" onClick={() => void save('svg')}>
            SVG
          </button>
          <button type="button" class="link-button" title="Save the numbers as a table" onClick={() => post({ kind: 'exportNumbers', format: 'csv' })}>
            CSV
          </button>
          <button type="button" class="link-button" title="Save the numbers with all that is known" onClick={() => post({ kind: 'exportNumbers', format: 'json' })}>
            JSON
          </button>
        </div>
      </div>
      {failure !== null && <Notice text={failure} />}
      {different.length > 0 && <Notice text={`These surfaces differ in ${listed(different)}: they do not compare.`} />}
      <div class={models.length === 1 && form !== 'table' ? 'landscape-body single' : 'landscape-body'}>
        <div class="landscape-plots">
          {models.length > 0 && <SurfaceSection models={models} form={form} theme={theme} selected={selected} onSelect={select} />}
          {lines.length > 0 && (
            <section class="section" aria-labelledby="line-title">
              <h2 id="line-title" class="section-title">
                Loss along the line
              </h2>
              {form === 'table' ? <DataTable id="lines-table" table={linesTable(lines)} /> : <LossLines lines={lines} theme={theme} height={height} />}
            </section>
          )}
        </div>
        <div class="landscape-words">
          <section class="section words" aria-label="In words">
            <h2 class="section-title">In words</h2>
            {surfaces.map((surface, index) => (
              <p key={index} data-test="words">
                {summarize(surface)}
              </p>
            ))}
            {compare(surfaces.filter((surface) => !isLine(surface))).map((sentence) => (
              <p key={sentence} data-test="comparison">
                {sentence}
              </p>
            ))}
            {[...new Set(surfaces.flatMap(({ warnings }) => warnings))].map((warning) => (
              <Notice key={warning} text={warning} />
            ))}
          </section>
          {facts.rows > 0 && (
            <section class="section" aria-label="Numbers">
              <h2 class="section-title">Numbers</h2>
              <DataTable id="facts" table={facts} />
            </section>
          )}
        </div>
      </div>
    </main>
  );
}

function headingOf(surfaces: readonly LandscapeSurface[], order: LandscapeOrder | null): string {
  if (surfaces.length === 0 ? order?.directions === 'line' : surfaces.length === 1 && surfaces.every(isLine)) return 'Loss along a line';
  const several = surfaces.length > 1 || (order?.directions === 'random' && order.checkpoints.length > 1);
  return several ? 'Loss surfaces' : 'Loss surface';
}

const allForms = [
  { value: 'contours', label: 'Contours' },
  { value: 'surface', label: 'Surface' },
  { value: 'table', label: 'Table' },
] as const;
const lineForms = [
  { value: 'contours', label: 'Chart' },
  { value: 'table', label: 'Table' },
] as const;
const heights = [
  { value: 'linear', label: 'Linear' },
  { value: 'log', label: 'Log' },
] as const;

function Notice({ text }: { text: string }): JSX.Element {
  return (
    <p class="caveat" role="status">
      <Icon name="warning" />
      <span>{text}</span>
    </p>
  );
}

function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1) ?? ''}`;
}
