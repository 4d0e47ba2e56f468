import type { GraphBuilder } from './graphBuilder';

export interface StateTensor {
  /** In the checkpoint. */
  readonly tensor: string;
  readonly shape: readonly number[];
}

/** Tensors of one model by the names they have in it. */
export type StateShapes = ReadonlyMap<string, StateTensor>;

/** What was asked for while a graph was built: the model is described by building it once. */
export interface ParameterLog {
  readonly asked: Set<string>;
  readonly used: Map<string, { readonly shape: readonly number[]; readonly tensor: string }>;
  readonly missing: Set<string>;
  readonly wrongShape: Set<string>;
}

export function createParameterLog(): ParameterLog {
  return { asked: new Set(), used: new Map(), missing: new Set(), wrongShape: new Set() };
}

/** The tensors of a model as inputs of a graph. */
export class Parameters {
  constructor(
    readonly graph: GraphBuilder,
    private readonly shapes: StateShapes,
    private readonly log: ParameterLog,
    /** Before every name in the graph. */
    private readonly prefix = '',
  ) {}

  has(name: string): boolean {
    return this.shapes.has(name);
  }

  /** Length of one axis of a parameter, or null when it is not there. */
  sizeOf(name: string, axis: number): number | null {
    return this.shapes.get(name)?.shape[axis] ?? null;
  }

  /** Length of an axis counted from the last (1), or 1 when it is not there. */
  sizeFromEnd(name: string, place: number): number {
    return this.shapes.get(name)?.shape.at(-place) ?? 1;
  }

  /** The value of a parameter, which is noted as needed with this shape. */
  take(name: string, shape: readonly number[]): string {
    const found = this.shapes.get(name);
    this.log.asked.add(name);
    if (found === undefined) {
      this.log.missing.add(name);
    } else if (!sameShape(found.shape, shape)) {
      this.log.wrongShape.add(`${name}: [${found.shape.join(', ')}] where [${shape.join(', ')}] is needed`);
    } else {
      this.log.used.set(this.prefix + name, { shape, tensor: found.tensor });
    }
    return this.graph.weight(this.prefix + name, shape);
  }

  /** The value of a parameter that a model may be without, or null. */
  takeIfThere(name: string, shape: readonly number[]): string | null {
    return this.has(name) ? this.take(name, shape) : null;
  }

  /** x W' + b of rows [rows, inputs]; the bias may be missing. */
  linear(rows: string, name: string, inputs: number, outputs: number, rowsAnImage: number): string {
    const bias = this.takeIfThere(`${name}.bias`, [outputs]);
    const operands = [rows, this.take(`${name}.weight`, [outputs, inputs]), ...(bias === null ? [] : [bias])];
    return this.graph.count(this.graph.node('Gemm', operands, { transB: 1 }), 2 * inputs * outputs * rowsAnImage);
  }

  /** Over the last axis; an affine-free or bias-free one lacks tensors. */
  layerNorm(values: string, name: string, width: number, epsilon: number): string {
    const bias = this.takeIfThere(`${name}.bias`, [width]);
    const operands = [values, this.take(`${name}.weight`, [width]), ...(bias === null ? [] : [bias])];
    return this.graph.node('LayerNormalization', operands, { axis: -1, epsilon: { float: epsilon } });
  }
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}
