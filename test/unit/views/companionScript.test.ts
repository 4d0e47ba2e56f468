import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { fillTemplate, freeFileName, type ScriptName } from '../../../src/views/companionScript';

const names: readonly ScriptName[] = ['finetune_umm.py', 'random_label_experiment.py'];
const template = (name: ScriptName): string => readFileSync(path.resolve(import.meta.dirname, '../../../companion/templates', name), 'utf8');

describe('the scripts of the training side', () => {
  it.each(names)('%s is written as it is, with the place of its example', (name) => {
    const written = fillTemplate(template(name), 'C:\\Users\\"me"\\examples').split('\n');
    const changed = template(name).split('\n').flatMap((line, at) => (line === written[at] ? [] : [written[at]]));
    expect(changed).toEqual(['EXAMPLE = Path("C:\\\\Users\\\\\\"me\\"\\\\examples")']);
  });

  it('are not written from a template that says nothing of an example', () => {
    expect(() => fillTemplate('import torch\n', '/examples')).toThrow('has no line EXAMPLE');
  });

  it('get the first name that is not taken', () => {
    expect(freeFileName('a.py', ['b.py'])).toBe('a.py');
    expect(freeFileName('a.py', ['a.py', 'a_2.py'])).toBe('a_3.py');
  });
});
