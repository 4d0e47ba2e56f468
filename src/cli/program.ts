import packageJson from '../../package.json';
import { FormatError } from '../formats';
import { type Command, InputError, type Terminal, UsageError } from './command';
import { compare } from './compare';
import { diagnoseRun } from './diagnose';
import { exportRun } from './export';
import { features } from './features';
import { inspect } from './inspect';
import { landscape } from './landscape';
import { measure } from './measure';
import { metrics } from './metrics';
import { onOneLine } from './output';
import { report } from './report';
import { runs } from './runs';
import { scalars } from './scalars';
import { suggestLabels } from './suggestLabels';
import { surface } from './surface';

/** 130 is what shells expect of a program that was interrupted: 128 + SIGINT. */
export const exitCodes = { done: 0, unusableInput: 1, wrongArguments: 2, interrupted: 130 } as const;

const commands: readonly Command[] = [runs, scalars, inspect, metrics, features, measure, diagnoseRun, compare, suggestLabels, landscape, surface, exportRun, report];

/** Runs one command and answers with its exit code. Never throws for what a person can do wrong. */
export async function runProgram(args: readonly string[], terminal: Terminal): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined) {
    terminal.say(programHelp());
    return exitCodes.wrongArguments;
  }
  const [asked] = rest;
  if (name === 'help' && asked !== undefined) return runProgram([asked, '--help'], terminal);
  if (name === '--help' || name === '-h' || name === 'help') {
    terminal.write(`${programHelp()}\n`);
    return exitCodes.done;
  }
  if (name === '--version') {
    terminal.write(`${packageJson.version}\n`);
    return exitCodes.done;
  }
  const command = commands.find((each) => each.name === name);
  if (!command) {
    terminal.say(`layerscope: there is no command ${JSON.stringify(name)}. Known: ${commands.map((each) => each.name).join(', ')}`);
    return exitCodes.wrongArguments;
  }
  const options = rest.includes('--') ? rest.slice(0, rest.indexOf('--')) : rest;
  if (options.includes('--help') || options.includes('-h')) {
    terminal.write(`${commandHelp(command)}\n`);
    return exitCodes.done;
  }
  try {
    await command.run(rest, terminal);
    return exitCodes.done;
  } catch (error) {
    return explain(error, command, terminal);
  }
}

function explain(error: unknown, command: Command, terminal: Terminal): number {
  if (terminal.signal.aborted) {
    terminal.say('layerscope: interrupted; what was finished is kept');
    return exitCodes.interrupted;
  }
  if (error instanceof UsageError) {
    terminal.say(`layerscope ${command.name}: ${onOneLine(error.message)}\nUsage: layerscope ${command.name} ${command.usage}`);
    return exitCodes.wrongArguments;
  }
  if (error instanceof FormatError || error instanceof InputError) {
    terminal.say(`layerscope ${command.name}: ${onOneLine(error.message)}`);
    return exitCodes.unusableInput;
  }
  // Not foreseen: the stack is what a bug report needs.
  terminal.say(`layerscope ${command.name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  return exitCodes.unusableInput;
}

function programHelp(): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  return [
    'Usage: layerscope COMMAND [ARGUMENTS]',
    '',
    'Says which layers of a network memorize, and since when, from the files that training leaves behind.',
    '',
    ...commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
    '',
    'layerscope COMMAND --help says more. Exit code: 0 done, 1 the input is unusable, 2 wrong arguments.',
  ].join('\n');
}

function commandHelp({ name, usage, summary, details }: Command): string {
  return `Usage: layerscope ${name} ${usage}\n\n${summary}\n\n${details}`;
}
