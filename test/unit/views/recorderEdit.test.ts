import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { applyInsertions, planRecorder, type RecorderEdit } from '../../../src/views/recorderEdit';

const folder = path.resolve(import.meta.dirname, '../../fixtures/trainingScripts');
const names = readdirSync(folder).filter((name) => name.endsWith('.py'));
const read = (name: string): string => readFileSync(path.join(folder, `${name}.py`), 'utf8');

/** Every new line with the line before it. */
function added(text: string, edit: RecorderEdit): string[] {
  const mark = '\u0000';
  const marked = edit.insertions.map(({ offset, text: lines }) => ({ offset, text: lines.replace(/^(?=.)/gm, mark) }));
  const result = applyInsertions(text, marked).split(/\r?\n/);
  const plain = (line: string | undefined): string => (line ?? '').replaceAll(mark, '');
  return result.flatMap((line, at) => {
    if (!line.includes(mark)) return [];
    const before = result.slice(0, at).filter((one) => one.trim() !== '' && !one.includes(mark)).at(-1);
    return [`${plain(before).trim()} > ${plain(line)}`];
  });
}

function planned(name: string, change: Parameters<typeof planRecorder>[1] = {}): RecorderEdit & { readonly added: readonly string[] } {
  const text = read(name);
  const edit = planRecorder(text, { name, ...change });
  return { ...edit, added: added(text, edit) };
}

const needsTransform = (name: string): string => `# Layerscope: ${name} needs the random transform of the training samples; without it, all views of a sample are the same.`;
const trainMissing = '# Layerscope: train_set must be the training samples, with their random transform (or a tensor of views, [samples, views, ...]).';
const heldOutMissing = '# Layerscope: held_out_set must be samples that training never sees, with the random transform of the training samples.';

describe('the recorder in a training script', () => {
  it('stands around a plain loop, with the names that the script has', () => {
    const { place, placeholders, added: lines } = planned('plain_loop');
    expect([place, placeholders]).toEqual(['loop', []]);
    expect(lines).toEqual([
      'from torch.utils.data import DataLoader, TensorDataset > from layerscope import Recorder',
      `epochs = 2 > ${needsTransform('val_set')}`,
      'epochs = 2 > recorder = Recorder(model, train=train_set, held_out=val_set, folder="runs/plain_loop", total=epochs)',
      'epochs = 2 > recorder.record_when_due(epoch=0)',
      'print(f"epoch {epoch}: {loss.item():.4f}") >     recorder.record_when_due(epoch=epoch + 1)',
    ]);
  });

  it('stands in main() with what the command line gives, and says what is missing', () => {
    const { place, placeholders, notes, added: lines } = planned('argparse_main');
    const before = 'print(f"Start training for {args.epochs} epochs")';
    expect([place, placeholders]).toEqual(['loop', ['held_out_set']]);
    expect(notes).toEqual([expect.stringContaining('called epoch args.start_epoch')]);
    expect(lines).toEqual([
      'from engine_pretrain import train_one_epoch > from layerscope import Recorder',
      `${before} >     ${heldOutMissing}`,
      `${before} >     recorder = Recorder(model_without_ddp, train=dataset_train, held_out=held_out_set, folder=args.output_dir, total=args.epochs)`,
      `${before} >     recorder.record_when_due(epoch=args.start_epoch)`,
      'torch.save(model.state_dict(), Path(args.output_dir) / f"checkpoint-{epoch}.pth") >         recorder.record_when_due(epoch=epoch + 1)',
    ]);
  });

  it('stands in a method, counts from one where the loop does, and takes no name that is taken', () => {
    const { notes, added: lines } = planned('class_of_a_trainer');
    expect(notes).toEqual(['The loop over epoch has a "continue": an epoch that it cuts short is not recorded.']);
    expect(lines).toEqual([
      'from tqdm import tqdm > from layerscope import Recorder',
      `recorder = None >         ${heldOutMissing}`,
      'recorder = None >         layer_recorder = Recorder(self.encoder, train=self.loader.dataset, held_out=held_out_set, folder="runs/class_of_a_trainer", total=n_epochs)',
      'recorder = None >         layer_recorder.record_when_due(epoch=0)',
      'self.save(epoch) >             layer_recorder.record_when_due(epoch=epoch)',
    ]);
  });

  it('counts steps where the loop does, with its tabs', () => {
    const { placeholders, added: lines } = planned('steps');
    expect(placeholders).toEqual(['train_set', 'held_out_set']);
    expect(lines.slice(1)).toEqual([
      `max_steps = 10_000 > ${trainMissing}`,
      `max_steps = 10_000 > ${heldOutMissing}`,
      'max_steps = 10_000 > recorder = Recorder(net, train=train_set, held_out=held_out_set, folder="runs/steps", unit="step", total=max_steps)',
      'max_steps = 10_000 > recorder.record_when_due(step=0)',
      'break > \trecorder.record_when_due(step=step + 1)',
    ]);
  });

  it('is a callback in a trainer of Lightning, beside those that are there', () => {
    const { place, placeholders, added: lines } = planned('lightning_trainer');
    expect([place, placeholders]).toEqual(['lightning', []]);
    expect(lines).toEqual([
      'from byol import BYOL, make_dataset > from layerscope.callbacks.lightning import LayerscopeCallback',
      `model = BYOL() >     ${needsTransform('valid_loader.dataset')}`,
      'model = BYOL() >     recorder = LayerscopeCallback(train=train_dataset, held_out=valid_loader.dataset)',
      'callbacks=[ >             recorder,',
      'callbacks=[ >             ModelCheckpoint(save_last=True),',
    ]);
  });

  it('is a callback in a trainer of Hugging Face, with its data sets', () => {
    const { place, placeholders, added: lines } = planned('huggingface_trainer');
    const before = 'training_args = TrainingArguments(output_dir="out", num_train_epochs=10)';
    expect([place, placeholders]).toEqual(['huggingface', []]);
    expect(lines).toEqual([
      ') > from layerscope.callbacks.huggingface import LayerscopeCallback',
      `${before} > ${needsTransform('ds["test"]')}`,
      `${before} > recorder = LayerscopeCallback(train=ds["train"], held_out=ds["test"])`,
      'train_dataset=ds["train"], >     eval_dataset=ds["test"],',
      'train_dataset=ds["train"], >     callbacks=[recorder],',
    ]);
  });

  it('stands at the cursor, in whole statements and with placeholders, where nothing is recognised', () => {
    const { place, placeholders, notes, added: lines } = planned('nothing_known', { cursor: read('nothing_known').indexOf('state.done') });
    expect([place, placeholders]).toEqual(['cursor', ['model', 'train_set', 'held_out_set']]);
    expect(notes[0]).toContain('No training loop was recognised');
    expect(lines.map((line) => line.split(' > ')[0])).toEqual(['from library import run_training', ...Array<string>(6).fill('state = prepare(configuration)')]);
    expect(lines[1]).toBe('state = prepare(configuration) >     # Layerscope: model must be the network that is trained.');
    expect(planned('nothing_known', { cursor: 0 }).added[1]).toContain('from library import run_training > # Layerscope: model');
  });

  it.each([
    ['for epoch in range(3): step(model)\n', 'cursor'],
    ['for epoch in trange(epochs):\n    model.train()\n', 'loop'],
    ['for epoch in epochs_left():\n    model.train()\n', 'loop'],
    ['for i in range(10):\n    print(i)\n', 'cursor'],
    ['for i in range(10):\n    loss.backward()\n', 'loop'],
    ['import transformers\nfor epoch in range(3):\n    model.train()\n', 'loop'],
    ['', 'cursor'],
    ['for epoch in range(3):\n    model.train(\n', 'loop'],
  ] as const)('of %j has its place: %s', (text, place) => {
    const edit = planRecorder(text);
    expect(edit.place).toBe(place);
    expect(applyInsertions(text, edit.insertions).split('\n').filter((line) => line.startsWith('from layerscope'))).toHaveLength(1);
  });

  it.each([
    ['Trainer()', 'Trainer(callbacks=[recorder])'],
    ['Trainer(max_epochs=3)', 'Trainer(max_epochs=3, callbacks=[recorder])'],
    ['Trainer(max_epochs=3, **more)', 'Trainer(max_epochs=3, **more, callbacks=[recorder])'],
    ['Trainer(callbacks=[])', 'Trainer(callbacks=[recorder])'],
    ['Trainer(callbacks=[one(), two])', 'Trainer(callbacks=[recorder, one(), two])'],
    ['Trainer(callbacks=make(), max_epochs=3)', 'Trainer(callbacks=[*(make() or []), recorder], max_epochs=3)'],
    ['Trainer(callbacks=None)', 'Trainer(callbacks=None or [recorder])'],
    ['Trainer(\n    max_epochs=3,  # few\n)', 'Trainer(\n    max_epochs=3, callbacks=[recorder],  # few\n)'],
  ])('makes of %j %j', (call, wanted) => {
    const text = `from lightning import Trainer\ntrainer = ${call}\n`;
    expect(applyInsertions(text, planRecorder(text).insertions)).toContain(`\ntrainer = ${wanted}\n`);
  });

  it('goes behind __future__ imports, descriptions and first comments, and never into a string', () => {
    const head = '#!/usr/bin/env python3\n# two\n"""What it does.\n\nimport nothing\n"""\n';
    const body = 'for epoch in range(2):\n    model.train()\n';
    expect(applyInsertions(head + body, planRecorder(head + body).insertions).startsWith(`${head}from layerscope import Recorder\n`)).toBe(true);
    const future = `${head}from __future__ import annotations\n`;
    expect(applyInsertions(future + body, planRecorder(future + body).insertions).startsWith(`${future}from layerscope import Recorder\n`)).toBe(true);
  });

  it('keeps the line ends of the script, and ends a last line that has none', () => {
    const text = 'import torch\r\nfor epoch in range(2):\r\n    model.train()';
    const result = applyInsertions(text, planRecorder(text).insertions);
    expect(result.replaceAll('\r\n', '')).not.toContain('\n');
    expect(result.endsWith('    model.train()\r\n    recorder.record_when_due(epoch=epoch + 1)\r\n')).toBe(true);
  });

  it('names only what has a meaning where it is named', () => {
    const text = 'def build():\n    model = Net()\n    train_set = Data()\n\ndef train(net, train_loader, args):\n    for epoch in range(args.epochs):\n        net.train()\n';
    expect(planRecorder(text).placeholders).toEqual(['held_out_set']);
    expect(applyInsertions(text, planRecorder(text).insertions)).toContain('Recorder(net, train=train_loader.dataset, held_out=held_out_set, ');
  });

  it('prefers the loop that the cursor is in', () => {
    const text = 'for epoch in range(2):\n    a.train()\nfor epoch in range(3):\n    b.train()\n';
    const total = (cursor: number): string | undefined => /total=(\d)/.exec(applyInsertions(text, planRecorder(text, { cursor }).insertions))?.[1];
    expect([total(0), total(text.indexOf('b.train'))]).toEqual(['2', '3']);
  });

  it('is put in once only', () => {
    const text = applyInsertions(read('plain_loop'), planRecorder(read('plain_loop')).insertions);
    expect(() => planRecorder(text)).toThrow('imports layerscope already, in line 10');
  });

  it('leaves what Python can read, of every script', ({ skip }) => {
    const python = ['python3', 'python'].find((one) => spawnSync(one, ['--version']).status === 0);
    if (python === undefined) skip('there is no Python here');
    for (const name of names) {
      const text = readFileSync(path.join(folder, name), 'utf8');
      const { status, stderr } = spawnSync(python ?? '', ['-c', 'import ast, sys; ast.parse(sys.stdin.read())'], { input: applyInsertions(text, planRecorder(text).insertions), encoding: 'utf8' });
      expect([name, status, stderr]).toEqual([name, 0, '']);
    }
  });
});
