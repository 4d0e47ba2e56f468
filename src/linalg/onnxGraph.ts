import { Root } from 'protobufjs/light';

/**
 * The part of the ONNX schema (github.com/onnx/onnx, onnx/onnx.proto, field numbers as there) that a graph of
 * a single operation needs.
 */
const schema = Root.fromJSON({
  nested: {
    ModelProto: {
      fields: {
        irVersion: { id: 1, type: 'int64' },
        producerName: { id: 2, type: 'string' },
        graph: { id: 7, type: 'GraphProto' },
        opsetImport: { id: 8, type: 'OperatorSetIdProto', rule: 'repeated' },
      },
    },
    OperatorSetIdProto: { fields: { domain: { id: 1, type: 'string' }, version: { id: 2, type: 'int64' } } },
    GraphProto: {
      fields: {
        node: { id: 1, type: 'NodeProto', rule: 'repeated' },
        name: { id: 2, type: 'string' },
        input: { id: 11, type: 'ValueInfoProto', rule: 'repeated' },
        output: { id: 12, type: 'ValueInfoProto', rule: 'repeated' },
      },
    },
    NodeProto: {
      fields: {
        input: { id: 1, type: 'string', rule: 'repeated' },
        output: { id: 2, type: 'string', rule: 'repeated' },
        name: { id: 3, type: 'string' },
        opType: { id: 4, type: 'string' },
        attribute: { id: 5, type: 'AttributeProto', rule: 'repeated' },
      },
    },
    AttributeProto: {
      fields: {
        name: { id: 1, type: 'string' },
        f: { id: 2, type: 'float' },
        i: { id: 3, type: 'int64' },
        type: { id: 20, type: 'int32' },
      },
    },
    ValueInfoProto: { fields: { name: { id: 1, type: 'string' }, type: { id: 2, type: 'TypeProto' } } },
    TypeProto: { fields: { tensorType: { id: 1, type: 'TensorTypeProto' } } },
    TensorTypeProto: { fields: { elemType: { id: 1, type: 'int32' }, shape: { id: 2, type: 'TensorShapeProto' } } },
    TensorShapeProto: { fields: { dim: { id: 1, type: 'Dimension', rule: 'repeated' } } },
    Dimension: { fields: { dimValue: { id: 1, type: 'int64' }, dimParam: { id: 2, type: 'string' } } },
  },
});

const elementType = { float32: 1, float64: 11 } as const;
const attributeType = { float: 1, int: 2 } as const;

/** IR version 8 with operator set 13: old enough for every runtime in use, new enough for Gemm without C. */
const irVersion = 8;
const operatorSet = 13;

export type Precision = keyof typeof elementType;

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
  readonly attributes: readonly { readonly name: string; readonly type: number; readonly f?: number; readonly i?: number }[];
}

/** An ONNX model that computes result = scale op(a) op(b) [+ addendScale addend], all dimensions dynamic. */
export function buildProductModel({ precision, transposeA, transposeB, scale, addendScale }: ProductGraph): Uint8Array {
  const attributes = [
    { name: 'alpha', type: attributeType.float, f: scale },
    { name: 'beta', type: attributeType.float, f: addendScale ?? 0 },
    { name: 'transA', type: attributeType.int, i: Number(transposeA) },
    { name: 'transB', type: attributeType.int, i: Number(transposeB) },
  ];
  const inputs: Value[] = [
    { name: 'a', dimensions: transposeA ? ['inner', 'rows'] : ['rows', 'inner'] },
    { name: 'b', dimensions: transposeB ? ['columns', 'inner'] : ['inner', 'columns'] },
  ];
  if (addendScale !== null) inputs.push({ name: 'addend', dimensions: ['rows', 'columns'] });
  return buildModel(precision, inputs, { opType: 'Gemm', attributes });
}

/** An ONNX model that computes result = exp(a), element by element. */
export function buildExponentialModel(precision: Precision): Uint8Array {
  return buildModel(precision, [{ name: 'a', dimensions: ['rows', 'columns'] }], { opType: 'Exp', attributes: [] });
}

function buildModel(precision: Precision, inputs: readonly Value[], { opType, attributes }: Node): Uint8Array {
  const declare = ({ name, dimensions }: Value) => ({
    name,
    type: { tensorType: { elemType: elementType[precision], shape: { dim: dimensions.map((dimParam) => ({ dimParam })) } } },
  });
  const model = {
    irVersion,
    producerName: 'layerscope',
    opsetImport: [{ domain: '', version: operatorSet }],
    graph: {
      name: opType,
      node: [{ name: opType, opType, input: inputs.map(({ name }) => name), output: ['result'], attribute: attributes }],
      input: inputs.map(declare),
      output: [declare({ name: 'result', dimensions: ['rows', 'columns'] })],
    },
  };
  const type = schema.lookupType('ModelProto');
  return type.encode(type.fromObject(model)).finish();
}
