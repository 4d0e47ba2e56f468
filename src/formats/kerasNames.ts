/** Nobody nests models deeper. */
const deepestModel = 50;

/**
 * Names of Keras 3's variables by the names of the layers ("layers/dense_3/vars/0" becomes "head/0"). In the HDF5 file a layer is called after its class
 * and number; its own name is an attribute of its group "vars", or, in files of older versions, only in config.json.
 * @param paths of datasets
 * @param attributes "path@name" of the HDF5 file
 * @param layerNames path of a layer's group to its name, from config.json
 */
export function kerasVariableNames(
  paths: readonly string[],
  attributes: Readonly<Record<string, string>>,
  layerNames: ReadonlyMap<string, string> = new Map(),
): Map<string, string> {
  const names = new Map<string, string>();
  const taken = new Set<string>();
  for (const path of paths) {
    const joined = joinedName(path, attributes, layerNames);
    // Two layers of one name would become one tensor.
    const name = taken.has(joined) ? path : joined;
    taken.add(name);
    names.set(path, name);
  }
  return names;
}

function joinedName(path: string, attributes: Readonly<Record<string, string>>, layerNames: ReadonlyMap<string, string>): string {
  const parts = path.split('/');
  const name: string[] = [];
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i]!;
    if (part === 'layers' && i + 1 < parts.length) {
      const group = parts.slice(0, i + 2).join('/');
      const attribute = `${group}/vars@name`;
      const given = Object.hasOwn(attributes, attribute) ? attributes[attribute]! : '';
      name.push(given !== '' ? given : (layerNames.get(group) ?? parts[i + 1]!));
      i++;
    } else if (part !== 'vars') {
      name.push(part);
    }
  }
  return name.join('/');
}

/** The group of the innermost layer that a path belongs to; empty when there is none. */
export function layerGroupOf(path: string): string {
  return /^((?:.*\/)?layers\/[^/]+)\//.exec(path)?.[1] ?? '';
}

/** The names that config.json gives to the layers, by the path that Keras gives to their groups: snake_case of the class, numbered. */
export function layerNamesOf(config: unknown): Map<string, string> {
  const names = new Map<string, string>();
  addLayers(config, '', names, 0);
  return names;
}

function addLayers(model: unknown, path: string, names: Map<string, string>, depth: number): void {
  const layers = field(field(model, 'config'), 'layers');
  if (!Array.isArray(layers) || depth > deepestModel) {
    return;
  }
  const counts = new Map<string, number>();
  for (const layer of layers) {
    const className = field(layer, 'class_name');
    const name = field(field(layer, 'config'), 'name');
    if (typeof className !== 'string' || typeof name !== 'string') {
      continue;
    }
    const snake = snakeCase(className);
    const count = counts.get(snake) ?? 0;
    counts.set(snake, count + 1);
    const group = `${path}layers/${count === 0 ? snake : `${snake}_${count}`}`;
    names.set(group, name);
    addLayers(layer, `${group}/`, names, depth + 1);
  }
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
}

/** As keras.src.utils.naming.to_snake_case. */
function snakeCase(name: string): string {
  return name
    .replace(/\W+/g, '')
    .replace(/(.)([A-Z][a-z]+)/g, '$1_$2')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase();
}
