import { Root } from 'protobufjs/light';

/** The part of the ONNX schema (github.com/onnx/onnx, onnx/onnx.proto, field numbers as there) that the graphs here need. */
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
        initializer: { id: 5, type: 'TensorProto', rule: 'repeated' },
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
        s: { id: 4, type: 'bytes' },
        ints: { id: 8, type: 'int64', rule: 'repeated' },
        type: { id: 20, type: 'int32' },
      },
    },
    TensorProto: {
      fields: {
        dims: { id: 1, type: 'int64', rule: 'repeated' },
        dataType: { id: 2, type: 'int32' },
        name: { id: 8, type: 'string' },
        rawData: { id: 9, type: 'bytes' },
        externalData: { id: 13, type: 'StringStringEntryProto', rule: 'repeated' },
        dataLocation: { id: 14, type: 'int32' },
      },
    },
    StringStringEntryProto: { fields: { key: { id: 1, type: 'string' }, value: { id: 2, type: 'string' } } },
    ValueInfoProto: { fields: { name: { id: 1, type: 'string' }, type: { id: 2, type: 'TypeProto' } } },
    TypeProto: { fields: { tensorType: { id: 1, type: 'TensorTypeProto' } } },
    TensorTypeProto: { fields: { elemType: { id: 1, type: 'int32' }, shape: { id: 2, type: 'TensorShapeProto' } } },
    TensorShapeProto: { fields: { dim: { id: 1, type: 'Dimension', rule: 'repeated' } } },
    Dimension: { fields: { dimValue: { id: 1, type: 'int64' }, dimParam: { id: 2, type: 'string' } } },
  },
});

/** Numbers of TensorProto.DataType. */
export const elementType = { float32: 1, int64: 7, bool: 9, float64: 11 } as const;
export type ElementType = keyof typeof elementType;

export type AttributeValue = number | string | readonly number[] | { readonly float: number };

/** A whole number for a name, a `{float}`, whole numbers, or a text. */
function encodableAttribute(name: string, value: AttributeValue) {
  if (typeof value === 'number') return { name, type: 2, i: value };
  if (typeof value === 'string') return { name, type: 3, s: Buffer.from(value) };
  if ('float' in value) return { name, type: 1, f: value.float };
  return { name, type: 7, ints: [...value] };
}

export interface GraphNode {
  readonly opType: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, AttributeValue>>;
}

export interface GraphValue {
  readonly name: string;
  readonly type: ElementType;
  /** A text is a dimension that is known when the graph is run. */
  readonly dimensions: readonly (number | string)[];
}

export interface GraphTensor {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  /** The values, or null when they are handed over beside the model, under the tensor's name as the file's. */
  readonly values: Uint8Array | null;
}

export function encodableNode({ opType, inputs, outputs, attributes }: GraphNode) {
  return {
    opType,
    input: [...inputs],
    output: [...outputs],
    name: outputs[0] ?? opType,
    attribute: Object.entries(attributes).map(([name, value]) => encodableAttribute(name, value)),
  };
}

export function encodableValue({ name, type, dimensions }: GraphValue) {
  const dim = dimensions.map((size) => (typeof size === 'number' ? { dimValue: size } : { dimParam: size }));
  return { name, type: { tensorType: { elemType: elementType[type], shape: { dim } } } };
}

export function encodableTensor({ name, type, shape, values }: GraphTensor) {
  const head = { name, dims: [...shape], dataType: elementType[type] };
  if (values !== null) return { ...head, rawData: values };
  const bytes = shape.reduce((product, size) => product * size, type === 'int64' || type === 'float64' ? 8 : 4);
  const externalData = Object.entries({ location: name, offset: '0', length: String(bytes) }).map(([key, value]) => ({ key, value }));
  return { ...head, externalData, dataLocation: 1 };
}

/** The bytes of a message of the schema. */
export function encodeMessage(typeName: 'ModelProto' | 'GraphProto', message: Record<string, unknown>): Uint8Array {
  return schema.lookupType(typeName).encode(message).finish();
}

/** The parts of a model that are looked at; everything else in its bytes is passed over. */
export interface DecodedModel {
  readonly graph?: {
    readonly node?: readonly { readonly name?: string; readonly opType?: string; readonly input?: readonly string[]; readonly output?: readonly string[] }[];
    readonly initializer?: readonly { readonly name?: string; readonly dataType?: number; readonly dims?: readonly unknown[]; readonly dataLocation?: number }[];
    readonly input?: readonly DecodedValue[];
    readonly output?: readonly DecodedValue[];
  };
}

export interface DecodedValue {
  readonly name?: string;
  readonly type?: { readonly tensorType?: { readonly elemType?: number; readonly shape?: { readonly dim?: readonly { readonly dimValue?: unknown }[] } } };
}

/** @throws {Error} when the bytes are no protobuf message of this kind */
export function decodeModel(bytes: Uint8Array): DecodedModel {
  return schema.lookupType('ModelProto').decode(bytes) as unknown as DecodedModel;
}
