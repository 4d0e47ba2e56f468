import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import packageJson from '../../../package.json';
import { CommandLine } from './commandLine';

let cli: CommandLine;
beforeAll(async () => {
  cli = await CommandLine.build();
});
afterAll(() => cli.remove());

const commands = ['runs', 'scalars', 'inspect', 'measure', 'diagnose', 'suggest-labels', 'export', 'report'];

describe('the command line', () => {
  it('prints its version', async () => {
    expect(await cli.run(['--version'])).toMatchObject({ code: 0, stdout: `${packageJson.version}\n`, stderr: '' });
  });

  it.each(['--help', '-h', 'help'])('lists its commands with %s', async (argument) => {
    const { code, stdout, stderr } = await cli.run([argument]);
    expect([code, stderr]).toEqual([0, '']);
    for (const command of commands) expect(stdout).toMatch(new RegExp(`^  ${command} +\\S`, 'm'));
  });

  it.each(commands)('explains %s with --help, wherever it stands, without doing anything', async (command) => {
    for (const args of [[command, '--help'], ['help', command], [command, '/nowhere', '-h']]) {
      const { code, stdout, stderr } = await cli.run(args);
      expect([code, stderr]).toEqual([0, '']);
      expect(stdout).toMatch(new RegExp(`^Usage: layerscope ${command} `));
    }
  });

  it('says what there is when called without a command or with an unknown one', async () => {
    expect(await cli.run([])).toMatchObject({ code: 2, stdout: '' });
    const unknown = await cli.run(['mesure']);
    expect(unknown).toMatchObject({ code: 2, stdout: '' });
    expect(unknown.stderr).toContain('no command "mesure". Known: runs, scalars, inspect, metrics, features, measure, diagnose, compare, suggest-labels, landscape, surface, export');
  });
});

describe('wrong arguments end with exit code 2, a reason and the usage, and nothing on standard output', () => {
  const wrong: readonly (readonly [args: string[], reason: string])[] = [
    ...commands.map((command): [string[], string] => [[command], 'missing']),
    [['runs', '.', 'more'], 'one argument too many: "more"'],
    [['runs', '.', '--jsn'], "Unknown option '--jsn'"],
    [['inspect', ''], 'FILE is empty'],
    [['measure', '.', '--metric', 'coding_rate,nope'], 'no metric "nope". Known: coding_rate_reduction, crr_normalized'],
    [['measure', '.', '--metric', 'rankm'], 'no metric "rankm". Nearest: rankme. Known: '],
    [['measure', '.', '--metric', 'silhouete,alpha'], 'no metric "silhouete". Nearest: silhouette. Known: '],
    [['measure', '.', '--metric', ''], 'no metric ""'],
    [['measure', '.', '--eps2', '0'], '--eps2 is a number above 0, not "0"'],
    [['measure', '.', '--eps2', 'many'], '--eps2 is a number above 0, not "many"'],
    [['measure', '.', '--eps2='], '--eps2 is a number above 0, not ""'],
    [['measure', '.', '--eps2', 'Infinity'], '--eps2'],
    [['measure', '.', '--eps2', '-1'], '--eps2 is a number above 0, not "-1"'],
    [['measure', '.', '--eps2', '-.5'], '--eps2 is a number above 0, not "-.5"'],
    [['measure', '.', '--eps2', '--json'], '--eps2 has no value; one that begins with a dash is written --eps2=--json'],
    [['measure', '.', '--eps2'], '--eps2 has no value'],
    [['measure', '.', '--eps2', '1', '--eps2=-2'], '--eps2 is a number above 0, not "-2"'],
    [['measure', '.', '--eps2', '0x1'], '--eps2 is a number above 0, in decimal digits, not "0x1"'],
    [['measure', '.', '--eps2', '1e999'], '--eps2 is a number above 0, not "1e999"'],
    [['measure', '.', '--seed', '0x10'], '--seed is a whole number from 0 to 4294967295, in decimal digits, not "0x10"'],
    [['measure', '.', '--seed', '0b11'], '--seed is a whole number from 0 to 4294967295, in decimal digits, not "0b11"'],
    [['measure', '.', '--seed', '1.00000000000000000001'], '--seed is a whole number'],
    [['measure', '.', '--seed', '4294967296'], '--seed is a whole number from 0 to 4294967295, not "4294967296"'],
    [['measure', '.', '--clusters', '0x10'], '--clusters is a whole number from 2 to 1000, or best, in decimal digits, not "0x10"'],
    [['measure', '.', '--samples', '0x10'], '--samples is a whole number from 1, in decimal digits, not "0x10"'],
    [['measure', '.', '--std', '1,0x1'], '--std is one number or one for each channel, with commas between, in decimal digits, not "0x1"'],
    [['features', '.', '--seed', '0o7'], '--seed is a whole number'],
    [['landscape', '.', '--range', '0x1'], '--range is a number above 0, in decimal digits, not "0x1"'],
    [['landscape', '.', '--range', '-1'], '--range is a number above 0, not "-1"'],
    [['landscape', '.', '--grid', '0xb'], '--grid is a whole number from 1, in decimal digits, not "0xb"'],
    [['landscape', '.', '--mask-ratio', '0x0'], '--mask-ratio is a number between 0 and 1, in decimal digits, not "0x0"'],
    [['suggest-labels', '.', '--count', '1e1'], '--count is a whole number from 1, not "1e1"'],
    [['measure', '.', '--seed', '1.5'], '--seed is a whole number from 0 to 4294967295, not "1.5"'],
    [['measure', '.', '--seed=-1'], '--seed'],
    [['measure', '.', '--engine', 'gpu'], '--engine is auto, onnxruntime, tensorflow or wasm, not "gpu"'],
    [['measure', '.', '--partition', 'colours'], '--partition is views, clusters, labels, not "colours"'],
    [['measure', '.', '--clusters', '1'], '--clusters is a whole number from 2 to 1000, or best, not "1"'],
    [['measure', '.', '--clusters', 'many'], '--clusters'],
    [['suggest-labels', '.', '--count', '0'], '--count is a whole number from 1, not "0"'],
    [['suggest-labels', '.', '--seed', 'x'], '--seed'],
    [['measure', '.', '--shard', '0/3'], '--shard is I/N with I from 1 to N'],
    [['measure', '.', '--shard', '4/3'], '--shard'],
    [['measure', '.', '--shard', '1'], '--shard'],
    [['measure', '.', '--layer', ''], '--layer is empty'],
    [['measure', '.', '--out'], '--out'],
    [['scalars', '.', '--tag', ''], '--tag is empty'],
    [['export', '.'], '--out FILE is missing'],
    [['export', '.', '--out', 'records.txt'], '--out ends in .csv or .json, not "records.txt"'],
    [['report', '.'], '--out FILE is missing'],
    [['report', '.', '--out', 'report.pdf'], '--out ends in .html or .md, not "report.pdf"'],
  ];

  it.each(wrong.map(([args, reason]) => ({ args, reason, shown: args.join(' ') })))('layerscope $shown', async ({ args, reason }) => {
    const { code, stdout, stderr } = await cli.run(args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(reason);
    expect(stderr).toContain(`Usage: layerscope ${args[0] ?? ''} `);
  });
});

describe('a path that does not exist ends with exit code 1 and its name', () => {
  it.each([
    ['runs', '/no/such/place'],
    ['scalars', '/no/such/place'],
    ['inspect', '/no/such/place'],
    ['measure', '/no/such/place'],
    ['diagnose', '/no/such/place'],
    ['suggest-labels', '/no/such/place'],
    ['export', '/no/such/place', '--out', '/no/such/out.csv'],
    ['report', '/no/such/place', '--out', 'report.md'],
  ])('layerscope %s', async (...args) => {
    const { code, stdout, stderr } = await cli.run(args);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain('/no/such/place');
    expect(stderr).toContain('does not exist');
    expect(stderr).not.toContain('    at ');
  });
});
