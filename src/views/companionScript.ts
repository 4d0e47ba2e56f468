/** The scripts that can be written, by the name of their template in companion/templates. */
export type ScriptName = 'finetune_umm.py' | 'random_label_experiment.py';

const exampleLine = 'EXAMPLE = Path(__file__).resolve().parents[1] / "examples"';

/**
 * A template as it is written into a workspace: the same text with the place of the example in it, so that it runs as it stands.
 * @throws {Error} when the template does not say where its example is.
 */
export function fillTemplate(template: string, exampleFolder: string): string {
  const [before, after, ...more] = template.split(exampleLine);
  if (before === undefined || after === undefined || more.length > 0) throw new Error(`the template has no line ${exampleLine}`);
  // Every escape of JSON means the same in Python.
  return `${before}EXAMPLE = Path(${JSON.stringify(exampleFolder)})${after}`;
}

/** `name`, or the first of `name_2`, `name_3`, ... that is not taken. */
export function freeFileName(name: string, taken: readonly string[]): string {
  const dot = name.lastIndexOf('.');
  for (let number = 1; ; number += 1) {
    const candidate = number === 1 ? name : `${name.slice(0, dot)}_${String(number)}${name.slice(dot)}`;
    if (!taken.includes(candidate)) return candidate;
  }
}
