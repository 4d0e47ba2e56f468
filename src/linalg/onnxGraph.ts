import { encodableNode, encodableValue, encodeMessage, type AttributeValue } from './onnxSchema';

/** IR version 8 with operator set 13: old enough for every runtime in use, new enough for Gemm without C. */
const irVersion = 8;
const operatorSet = 13;

export type Precision = 'float32' | 'float64';

export interface ProductGraph {
  readonly precision: Precision;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  /** The factor before the product. */
  readonly scale: number;
  /** The factor before a third input of the result's shape, or null when nothing is added. */
  readonly addendScale: number | null;
}

interface Value {
  readonly name: string;
  readonly dimensions: readonly [string, string];
}

interface Node {
  readonly opType: string;
  readonly attributes: Readonly<Record<string, AttributeValue>>;
}

/** An ONNX model that computes result = scale op(a) op(b) [+ addendScale addend], all dimensions dynamic. */
export function buildProductModel({ precision, transposeA, transposeB, scale, addendScale }: ProductGraph): Uint8Array {
  const attributes = { alpha: { float: scale }, beta: { float: addendScale ?? 0 }, transA: Number(transposeA), transB: Number(transposeB) };
  const inputs: Value[] = [
    { name: 'a', dimensions: transposeA ? ['inner', 'rows'] : ['rows', 'inner'] },
    { name: 'b', dimensions: transposeB ? ['columns', 'inner'] : ['inner', 'columns'] },
  ];
  if (addendScale !== null) inputs.push({ name: 'addend', dimensions: ['rows', 'columns'] });
  return buildModel(precision, inputs, { opType: 'Gemm', attributes });
}

/** An ONNX model that computes result = exp(a), element by element. */
export function buildExponentialModel(precision: Precision): Uint8Array {
  return buildModel(precision, [{ name: 'a', dimensions: ['rows', 'columns'] }], { opType: 'Exp', attributes: {} });
}

function buildModel(precision: Precision, inputs: readonly Value[], { opType, attributes }: Node): Uint8Array {
  const declare = (value: Value) => encodableValue({ ...value, type: precision });
  return encodeMessage('ModelProto', {
    irVersion,
    producerName: 'layerscope',
    opsetImport: [{ domain: '', version: operatorSet }],
    graph: {
      name: opType,
      node: [encodableNode({ opType, inputs: inputs.map(({ name }) => name), outputs: ['result'], attributes })],
      input: inputs.map(declare),
      output: [declare({ name: 'result', dimensions: ['rows', 'columns'] })],
    },
  });
}
