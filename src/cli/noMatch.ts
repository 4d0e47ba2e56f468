import { InputError } from './command';
import { count } from './output';

/** So many names of what there is are told. */
const mostNamed = 8;

export interface Unmatched {
  /** As it was given. */
  readonly target: string;
  readonly option: string;
  readonly glob: string;
  /** Of what is looked for: "layer". */
  readonly noun: string;
  /** Default: with an s. */
  readonly plural?: string;
  /** What there is. */
  readonly names: readonly string[];
}

/** A glob that matches nothing leaves nothing to answer with. */
export function nothingMatches({ target, option, glob, noun, plural, names }: Unmatched): InputError {
  const there = [...new Set(names)];
  const shown = there.slice(0, mostNamed).join(', ');
  const known = there.length === 0 ? `no ${noun} was found in it` : `there ${there.length === 1 ? 'is' : 'are'} ${count(there.length, noun, plural)}: ${shown}${there.length > mostNamed ? ', ...' : ''}`;
  return new InputError(`${target}: no ${noun} matches ${option} ${JSON.stringify(glob)}; ${known}`);
}
