import { describe, expect, it } from 'vitest';
import { csvLog } from '../../../src/formats/csvLog';

const isLog = (name: string, text: string) => csvLog.mayBe(name) && csvLog.matches({ name, head: Buffer.from(text).subarray(0, 4096), size: Buffer.byteLength(text) });

function read(...pieces: (string | Uint8Array)[]) {
  const reader = csvLog.createReader('metrics.csv');
  const rows = pieces.flatMap((piece) => reader.push(Buffer.from(piece as string)));
  return { reader, rows: rows.map(({ epoch, step, values }) => ({ epoch, step, ...Object.fromEntries(values) })), problems: reader.takeProblems() };
}

describe('reading CSV logs', () => {
  it('finds axes and quantities, and skips empty cells as Lightning leaves them', () => {
    const { rows, problems } = read('train_loss,epoch,step,val_loss\n2.0,0,0,\n,0,1,2.375\n,0,2,\n');
    expect(rows).toEqual([
      { epoch: 0, step: 0, train_loss: 2 },
      { epoch: 0, step: 1, val_loss: 2.375 },
    ]);
    expect(problems).toEqual([]);
  });

  it.each([[','], [';'], ['\t']])('reads columns separated by %j', (delimiter) => {
    expect(read(`epoch${delimiter}loss\n1${delimiter}0.5\n`).rows).toEqual([{ epoch: 1, step: null, loss: 0.5 }]);
  });

  it('reads padded cells as YOLO writes them, CRLF and a byte-order mark', () => {
    expect(read('\ufeff       epoch,   train/loss\r\n     1,   0.25\r\n').rows).toEqual([{ epoch: 1, step: null, 'train/loss': 0.25 }]);
  });

  it('reads quoted cells with delimiters, quotes and line ends in them', () => {
    const { rows, problems } = read('epoch,"loss, total","note"\n1,0.5,"said ""no"""\n2,"0.25","two\nlines"\n3,1,x\n');
    expect(rows.map(({ epoch }) => epoch)).toEqual([1, 2, 3]);
    expect(rows[1]).toEqual({ epoch: 2, step: null, 'loss, total': 0.25 });
    expect(problems).toEqual([]);
  });

  it('keeps nan and inf in the spellings of Python, and does not take other words or hexadecimals for numbers', () => {
    expect(read('epoch,a,b,c,d,e\n1,nan,inf,-inf,0x10,1e-3\n').rows).toEqual([{ epoch: 1, step: null, a: NaN, b: Infinity, c: -Infinity, e: 0.001 }]);
  });

  it('skips a repeated header, as a resumed training appends it', () => {
    const { rows, problems } = read('epoch,loss\n0,1\nepoch,loss\n1,2\n');
    expect(rows.map(({ epoch }) => epoch)).toEqual([0, 1]);
    expect(problems).toEqual([]);
  });

  it('goes on with changed columns and says where they changed', () => {
    const { rows, problems } = read('epoch,loss,lr\n0,1,0.1\nepoch,loss,val_loss,acc\n1,2,3,4\n');
    expect(rows).toEqual([
      { epoch: 0, step: null, loss: 1, lr: 0.1 },
      { epoch: 1, step: null, loss: 2, val_loss: 3, acc: 4 },
    ]);
    expect(problems).toEqual([{ file: 'metrics.csv', place: 'line 3', reason: 'the columns change here: +val_loss, +acc, -lr', severity: 'info' }]);
  });

  it('leaves out rows with more or fewer cells, by line number', () => {
    const { rows, problems } = read('epoch,loss,lr\n0,1,0.1\n1,2\n2,2,0.1,9\n\n3,1,0.1\n');
    expect(rows.map(({ epoch }) => epoch)).toEqual([0, 3]);
    expect(problems).toEqual([
      { file: 'metrics.csv', place: 'line 3', reason: '2 cells where the header on line 1 has 3; the row is left out', severity: 'warning' },
      { file: 'metrics.csv', place: 'line 4', reason: '4 cells where the header on line 1 has 3; the row is left out', severity: 'warning' },
    ]);
  });

  it('reports a word where numbers were, and keeps the rest of the row', () => {
    const { rows, problems } = read('epoch,loss,acc,mode\n0,1,2,train\n1,0.5|0.4,3,val\n2,NA,4,val\n');
    expect(rows[1]).toEqual({ epoch: 1, step: null, acc: 3 });
    expect(problems).toEqual([{ file: 'metrics.csv', place: 'line 3', reason: '"0.5|0.4" in column loss is not a number', severity: 'warning' }]);
  });

  it('does not lose the file to a quote that is never closed', () => {
    const { rows, problems } = read(`epoch,loss\n0,"1\n${Array.from({ length: 100 }, (_, i) => `${i + 1},2\n`).join('')}`);
    expect(rows).toHaveLength(100);
    expect(problems).toEqual([{ file: 'metrics.csv', place: 'line 2', reason: 'a quote is opened and never closed; the line is left out', severity: 'warning' }]);
  });

  it('leaves out a line whose quotes do not fit together', () => {
    const { rows, problems } = read('epoch,loss\n0,a"b,"c\n1,2\n');
    expect(rows.map(({ epoch }) => epoch)).toEqual([1]);
    expect(problems).toEqual([{ file: 'metrics.csv', place: 'line 2', reason: 'its quotes do not fit together; the line is left out', severity: 'warning' }]);
  });

  it('keeps a torn last row inside: its last number may not be complete', () => {
    const { reader, rows } = read('epoch,loss\n0,1\n1,0.1');
    expect(rows).toHaveLength(1);
    expect(reader.push(Buffer.from('25\n')).map(({ values }) => values.get('loss'))).toEqual([0.125]);
  });

  it('takes a complete last row without line end when flushed, and reports an incomplete one once', () => {
    const complete = read('epoch,loss\n0,1').reader;
    expect(complete.flush().map(({ epoch }) => epoch)).toEqual([0]);
    expect(complete.flush()).toEqual([]);
    const torn = read('epoch,loss,lr\n0,1').reader;
    expect(torn.flush()).toEqual([]);
    expect(torn.flush()).toEqual([]);
    expect(torn.takeProblems()).toEqual([{ file: 'metrics.csv', place: 'line 2', reason: 'the last line is not complete', severity: 'info' }]);
    expect(torn.push(Buffer.from(',2\n'))).toHaveLength(1);
  });

  it('gives the same rows however the bytes are cut', () => {
    const text = '\ufeffepoch,"größe"\r\n0,1\r\n1\r\n2,"3"\r\nepoch,größe,x\r\n4,5,6\r\n';
    const whole = read(text);
    for (let size = 1; size < 20; size++) {
      const all = Buffer.from(text);
      const cut = read(...Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.subarray(i * size, (i + 1) * size)));
      expect(cut.rows).toEqual(whole.rows);
      expect(cut.problems).toEqual(whole.problems);
    }
    expect(whole.rows).toHaveLength(3);
  });
});

describe('recognising CSV logs', () => {
  it.each([
    ['metrics.csv', 'epoch,step,train_loss\n'],
    ['metrics.csv', 'epoch,step,train_loss\n0,1,2\n'],
    ['results.csv', '   epoch,  train/box_loss\n  0,  1\n'],
    ['out.csv', 'step;reward\n1;2\n'],
    ['metrics.csv', 'epoch,val,train\n0,,\n1,,3\n'],
    ['metrics.csv', ''],
  ])('%s with %j is a log', (name, text) => {
    expect(isLog(name, text)).toBe(true);
  });

  it.each([
    ['data.csv', 'id,height,width\n1,2,3\n'],
    ['names.csv', 'epoch,name\n1,anna\n2,ben\n'],
    ['iris.csv', '5.1,3.5,1.4,0.2,setosa\n'],
    ['data.csv', ''],
    ['steps.csv', 'step\n1\n2\n'],
    ['metrics.csv', 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n'],
    ['data.csv', 'epoch,name\n'],
    ['exported.csv', 'run,source,sourceVersion,epoch,step,layer,layerIndex,metric,split,value\nr,p,v,0,0,block0,0,rankme,train,1\n'],
  ])('%s with %j is none', (name, text) => {
    expect(isLog(name, text)).toBe(false);
  });
});
