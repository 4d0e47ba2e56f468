import type { TransformerStack } from './architecture';
import type { Parameters } from './parameters';

/** A residual branch's factors (LayerScale): timm and DINOv2, then BEiT and CaiT. */
const branchScales = [['ls1.gamma', 'gamma_1'], ['ls2.gamma', 'gamma_2']] as const;
/** Separate projections: of timm's variants without a fused one, and of others. */
const separateNames = [['attn.q', 'attn.k', 'attn.v'], ['attn.q_proj', 'attn.k_proj', 'attn.v_proj'], ['attn.query', 'attn.key', 'attn.value']] as const;

/**
 * Pre-norm blocks (Dosovitskiy et al. 2021) as in timm: x + attention(norm1(x)), x + mlp(norm2(x)), with GELU by the error function.
 * Rows of all images stand one below another: [images x tokens, width].
 * @returns the rows after each block
 */
export function transformerBlocks(parameters: Parameters, stack: TransformerStack, rows: string, tokens: number, epsilon: number): string[] {
  const after: string[] = [];
  let current = rows;
  for (let index = 0; index < stack.depth; index++) {
    const name = `${stack.prefix}.${index}`;
    const attended = attention(parameters, name, stack, parameters.layerNorm(current, `${name}.norm1`, stack.width, epsilon), tokens, epsilon);
    current = add(parameters, name, 0, stack.width, current, attended);
    const mixed = perceptron(parameters, name, stack, parameters.layerNorm(current, `${name}.norm2`, stack.width, epsilon), tokens);
    current = add(parameters, name, 1, stack.width, current, mixed);
    after.push(current);
  }
  return after;
}

function attention(parameters: Parameters, block: string, { width, heads }: TransformerStack, rows: string, tokens: number, epsilon: number): string {
  const { graph } = parameters;
  const size = width / heads;
  const [query, key, value] = projections(parameters, block, width, heads, rows, tokens);
  // Where queries and keys are normalised, it is within a head.
  const normed = (values: string, name: string) =>
    parameters.has(`${block}.attn.${name}.weight`) ? parameters.layerNorm(values, `${block}.attn.${name}`, size, epsilon) : values;
  const scaled = graph.node('Mul', [normed(query, 'q_norm'), graph.number(size ** -0.5)]);
  const turned = graph.node('Transpose', [normed(key, 'k_norm')], { perm: [0, 1, 3, 2] });
  const scores = graph.count(graph.node('MatMul', [scaled, turned]), 2 * tokens * tokens * width);
  const mixed = graph.count(graph.node('MatMul', [graph.node('Softmax', [scores], { axis: -1 }), value]), 2 * tokens * tokens * width);
  const joined = graph.reshape(graph.node('Transpose', [mixed], { perm: [0, 2, 1, 3] }), [-1, width]);
  return parameters.linear(joined, `${block}.attn.proj`, width, width, tokens);
}

/** Queries, keys and values, each [images, heads, tokens, width of a head]. */
function projections(parameters: Parameters, block: string, width: number, heads: number, rows: string, tokens: number): [string, string, string] {
  const { graph } = parameters;
  const size = width / heads;
  const separate = separateNames.find(([query]) => parameters.has(`${block}.${query}.weight`));
  if (separate !== undefined) {
    const one = (name: string) =>
      graph.node('Transpose', [graph.reshape(parameters.linear(rows, `${block}.${name}`, width, width, tokens), [-1, tokens, heads, size])], { perm: [0, 2, 1, 3] });
    return [one(separate[0]), one(separate[1]), one(separate[2])];
  }
  const fused = graph.reshape(parameters.linear(rows, `${block}.attn.qkv`, width, 3 * width, tokens), [-1, tokens, 3, heads, size]);
  const parts = graph.nodeOf(3, 'Split', [graph.node('Transpose', [fused], { perm: [2, 0, 3, 1, 4] })], { axis: 0, num_outputs: 3 });
  return parts.map((part) => graph.reshape(part, [-1, heads, tokens, size])) as [string, string, string];
}

function perceptron(parameters: Parameters, block: string, { width }: TransformerStack, rows: string, tokens: number): string {
  const hidden = parameters.sizeOf(`${block}.mlp.fc1.weight`, 0) ?? 4 * width;
  const wide = parameters.linear(rows, `${block}.mlp.fc1`, width, hidden, tokens);
  return parameters.linear(parameters.graph.node('Gelu', [wide]), `${block}.mlp.fc2`, hidden, width, tokens);
}

function add(parameters: Parameters, block: string, branch: 0 | 1, width: number, rows: string, change: string): string {
  const { graph } = parameters;
  const scale = branchScales[branch].map((name) => parameters.takeIfThere(`${block}.${name}`, [width])).find((value) => value !== null);
  return graph.node('Add', [rows, scale === undefined ? change : graph.node('Mul', [change, scale as string])]);
}
