import {
  encodableNode, encodableTensor, encodableValue, encodeMessage, type AttributeValue, type ElementType, type GraphNode, type GraphTensor, type GraphValue,
} from '../linalg/onnxSchema';

/** IR version 8; operator set 20 is the first with Gelu. */
const irVersion = 8;
const operatorSet = 20;

/** Whether weights are fed with every run, so that they can be changed between runs, or are constants, which the runtime can fuse and prepack. */
export type WeightMode = 'inputs' | 'initialisers';

/** Collects the nodes of an ONNX graph. Values are known by their names. */
export class GraphBuilder {
  private readonly nodes: GraphNode[] = [];
  private readonly constants = new Map<string, GraphTensor>();
  private readonly inputs = new Map<string, GraphValue>();
  private readonly weights = new Map<string, readonly number[]>();
  private readonly outputs: GraphValue[] = [];
  /** Multiplications and additions for one image, by value. */
  private readonly work = new Map<string, number>();
  private values = 0;

  /** @returns the name of the node's only output */
  node(opType: string, inputs: readonly string[], attributes: Readonly<Record<string, AttributeValue>> = {}): string {
    return this.add(opType, inputs, attributes, 1)[0]!;
  }

  /** @returns the names of the node's outputs */
  nodeOf(count: number, opType: string, inputs: readonly string[], attributes: Readonly<Record<string, AttributeValue>> = {}): string[] {
    return this.add(opType, inputs, attributes, count);
  }

  /** A constant of whole numbers. */
  integers(values: readonly number[], shape: readonly number[] = [values.length]): string {
    const data = BigInt64Array.from(values, BigInt);
    return this.constant(`i${shape.join('x')}:${values.join(',')}`, 'int64', shape, new Uint8Array(data.buffer));
  }

  /** A constant number, of no axis. */
  number(value: number): string {
    return this.constant(`f:${value}`, 'float32', [], new Uint8Array(Float32Array.of(value).buffer));
  }

  /** A constant table. */
  table(name: string, shape: readonly number[], data: Float32Array): string {
    return this.constant(name, 'float32', shape, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }

  input(name: string, type: ElementType, dimensions: readonly (number | string)[]): string {
    this.inputs.set(name, { name, type, dimensions });
    return name;
  }

  weight(name: string, shape: readonly number[]): string {
    this.weights.set(name, shape);
    return name;
  }

  /** Gives a value to the outside under a name of its own. */
  output(name: string, value: string, dimensions: readonly (number | string)[]): void {
    this.nodes.push({ opType: 'Identity', inputs: [value], outputs: [name], attributes: {} });
    this.outputs.push({ name, type: 'float32', dimensions });
  }

  reshape(value: string, shape: readonly number[]): string {
    return this.node('Reshape', [value, this.integers(shape)]);
  }

  /** Notes multiplications and additions for one image that making this value takes. */
  count(value: string, operations: number): string {
    this.work.set(value, (this.work.get(value) ?? 0) + operations);
    return value;
  }

  /** The model with what its outputs need and nothing else. */
  finish(name: string, mode: WeightMode): FinishedGraph {
    const needed = new Set(this.outputs.map((output) => output.name));
    const nodes: GraphNode[] = [];
    for (const node of [...this.nodes].reverse()) {
      if (!node.outputs.some((value) => needed.has(value))) continue;
      nodes.unshift(node);
      for (const value of node.inputs) needed.add(value);
    }
    const inputs = [...this.inputs.values()].filter((value) => needed.has(value.name));
    const weights = new Map([...this.weights].filter(([weight]) => needed.has(weight)));
    const weightTensors = [...weights].map(([weight, shape]): GraphTensor => ({ name: weight, type: 'float32', shape, values: null }));
    const constants = [...this.constants.values()].filter((tensor) => needed.has(tensor.name));
    const weightInputs = [...weights].map(([weight, shape]): GraphValue => ({ name: weight, type: 'float32', dimensions: shape }));
    const bytes = encodeMessage('ModelProto', {
      irVersion,
      producerName: 'layerscope',
      opsetImport: [{ domain: '', version: operatorSet }],
      graph: {
        name,
        node: nodes.map(encodableNode),
        initializer: [...constants, ...(mode === 'initialisers' ? weightTensors : [])].map(encodableTensor),
        input: [...inputs, ...(mode === 'inputs' ? weightInputs : [])].map(encodableValue),
        output: this.outputs.map(encodableValue),
      },
    });
    const operations = [...this.work].reduce((sum, [value, count]) => sum + (needed.has(value) ? count : 0), 0);
    return { bytes, inputs: inputs.map((input) => input.name), weights, outputs: this.outputs.map((output) => output.name), operations };
  }

  private add(opType: string, inputs: readonly string[], attributes: Readonly<Record<string, AttributeValue>>, count: number): string[] {
    const outputs = Array.from({ length: count }, () => `v${this.values++}`);
    this.nodes.push({ opType, inputs, outputs, attributes });
    return outputs;
  }

  private constant(name: string, type: ElementType, shape: readonly number[], values: Uint8Array): string {
    if (!this.constants.has(name)) this.constants.set(name, { name, type, shape, values });
    return name;
  }
}

export interface FinishedGraph {
  readonly bytes: Uint8Array;
  /** What a batch has to hold, without weights. */
  readonly inputs: readonly string[];
  /** Shapes of the weights that are needed. */
  readonly weights: ReadonlyMap<string, readonly number[]>;
  readonly outputs: readonly string[];
  /** Multiplications and additions for one image, about; null where that is not known. */
  readonly operations: number | null;
}
