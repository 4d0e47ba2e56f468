import {
  AmbientLight, BufferAttribute, BufferGeometry, Color, DirectionalLight, DoubleSide, Group, LineBasicMaterial, LineSegments, type Material, Mesh, MeshLambertMaterial,
  type Object3D, PerspectiveCamera, Scene, SRGBColorSpace, Vector3, WebGLRenderer,
} from 'three';
import { LineMaterial } from 'three/examples/jsm/lines/LineMaterial.js';
import { LineSegments2 } from 'three/examples/jsm/lines/LineSegments2.js';
import { LineSegmentsGeometry } from 'three/examples/jsm/lines/LineSegmentsGeometry.js';
import type { Theme } from '../theme';
import type { Camera } from './camera';
import type { SurfaceModel } from './surfaceModel';
import { boxHeight, drapedSegments, levelSegments, surfaceMesh } from './surfaceMesh';

/** A place in the box and where it appears, in CSS pixels. */
export type Project = (place: readonly [number, number, number]) => { readonly x: number; readonly y: number };

const fieldOfView = 30;
/** At distance 1 the box with its labels fits into a square. */
const wholeDistance = 5.7;
// Light is divided by pi on its way off a matt surface: together about as bright as the colour scale.
const ambient = 0.66 * Math.PI;
const directed = 0.42 * Math.PI;

/** Draws surfaces onto plain canvases, all of them with one WebGL context: browsers allow few. */
export class SurfaceRenderer {
  readonly #renderer: WebGLRenderer;
  readonly #camera = new PerspectiveCamera(fieldOfView, 1, 0.1, 50);
  readonly #light = new DirectionalLight('#ffffff', directed);
  readonly #groups = new Map<SurfaceModel, { readonly group: Group; readonly theme: Theme; readonly fat: readonly LineMaterial[] }>();

  private constructor(renderer: WebGLRenderer) {
    this.#renderer = renderer;
  }

  /** Null where there is no WebGL. @param onLost called when the browser takes the context away */
  static create(onLost: () => void): SurfaceRenderer | null {
    const canvas = document.createElement('canvas');
    // three.js writes an error to the console when there is none.
    const context = canvas.getContext('webgl2', { antialias: true, alpha: true, premultipliedAlpha: true });
    if (context === null) return null;
    canvas.addEventListener('webglcontextlost', (event) => {
      event.preventDefault();
      onLost();
    });
    try {
      return new SurfaceRenderer(new WebGLRenderer({ canvas, context, antialias: true, alpha: true }));
    } catch {
      return null;
    }
  }

  /** Fills the canvas, whose size in CSS pixels is given, and answers where places of the box appear on it. */
  draw(target: HTMLCanvasElement, model: SurfaceModel, view: Camera, theme: Theme, size: { readonly width: number; readonly height: number; readonly ratio: number }): Project {
    const { width, height, ratio } = size;
    const { group, fat } = this.#groupOf(model, theme);
    const camera = this.#camera;
    const [around, above] = [(view.azimuth * Math.PI) / 180, (Math.min(view.elevation, 89.9) * Math.PI) / 180];
    const distance = wholeDistance * view.distance * Math.max(1, height / width);
    const center = new Vector3(0, boxHeight * 0.36, 0);
    camera.aspect = width / height;
    camera.position.set(Math.sin(around) * Math.cos(above), Math.sin(above), Math.cos(around) * Math.cos(above)).multiplyScalar(distance).add(center);
    camera.lookAt(center);
    camera.updateProjectionMatrix();
    camera.updateMatrixWorld();
    this.#light.position.set(-1, 1.6, 0.6).applyQuaternion(camera.quaternion);
    for (const material of fat) material.resolution.set(width, height);
    const scene = new Scene();
    scene.add(group, new AmbientLight('#ffffff', ambient), this.#light);
    this.#renderer.setPixelRatio(ratio);
    this.#renderer.setSize(width, height, false);
    this.#renderer.render(scene, camera);
    const pen = target.getContext('2d');
    [target.width, target.height] = [Math.round(width * ratio), Math.round(height * ratio)];
    pen?.drawImage(this.#renderer.domElement, 0, 0);
    pen?.scale(ratio, ratio);
    return (place) => {
      const { x, y } = new Vector3(...place).project(camera);
      return { x: ((x + 1) / 2) * width, y: ((1 - y) / 2) * height };
    };
  }

  /** Frees what was made for surfaces that are no longer shown. */
  keepOnly(models: readonly SurfaceModel[]): void {
    for (const [model, { group }] of this.#groups) {
      if (models.includes(model)) continue;
      free(group);
      this.#groups.delete(model);
    }
  }

  dispose(): void {
    this.keepOnly([]);
    this.#renderer.dispose();
    this.#renderer.forceContextLoss();
  }

  #groupOf(model: SurfaceModel, theme: Theme): { readonly group: Group; readonly fat: readonly LineMaterial[] } {
    const known = this.#groups.get(model);
    if (known?.theme === theme) return known;
    if (known) free(known.group);
    const fat: LineMaterial[] = [];
    const made = { group: makeGroup(model, theme, fat), theme, fat };
    this.#groups.set(model, made);
    return made;
  }
}

function makeGroup({ grid, scale, contours, outline }: SurfaceModel, theme: Theme, fat: LineMaterial[]): Group {
  const group = new Group();
  const { positions, colors, indices } = surfaceMesh(grid, scale);
  const geometry = new BufferGeometry();
  geometry.setAttribute('position', new BufferAttribute(positions, 3));
  geometry.setAttribute('color', new BufferAttribute(linear(colors), 3));
  geometry.setIndex(new BufferAttribute(indices, 1));
  geometry.computeVertexNormals();
  const matt = new MeshLambertMaterial({ vertexColors: true, side: DoubleSide, polygonOffset: true, polygonOffsetFactor: 1, polygonOffsetUnits: 1 });
  group.add(new Mesh(geometry, matt));
  for (const [color, places] of levelSegments(grid, scale, contours.lines)) {
    group.add(lineSegments(places, new LineBasicMaterial({ color, transparent: true, opacity: theme.highContrast ? 0.9 : 0.5 })));
  }
  const convex = drapedSegments(grid, scale, outline);
  if (convex.length > 0) {
    for (const [color, width, order] of [['#000000', 5, 1], ['#ffffff', 2.4, 2]] as const) {
      // The black rim must not hide the white line in it.
      const material = new LineMaterial({ color, linewidth: width, depthWrite: false, polygonOffset: true, polygonOffsetFactor: -2, polygonOffsetUnits: -4 });
      const line = new LineSegments2(new LineSegmentsGeometry().setPositions(convex), material);
      line.renderOrder = order;
      fat.push(material);
      group.add(line);
    }
  }
  group.add(lineSegments(frame, new LineBasicMaterial({ color: opaque(theme.muted) })));
  return group;
}

/** The edges of the floor. */
const frame = Float32Array.from([-1, 0, -1, 1, 0, -1, 1, 0, -1, 1, 0, 1, 1, 0, 1, -1, 0, 1, -1, 0, 1, -1, 0, -1]);

function lineSegments(places: Float32Array, material: LineBasicMaterial): LineSegments {
  const geometry = new BufferGeometry();
  geometry.setAttribute('position', new BufferAttribute(places, 3));
  return new LineSegments(geometry, material);
}

/** Colours of the screen as the renderer computes with them. */
function linear(colors: Float32Array): Float32Array {
  const converted = new Float32Array(colors.length);
  const color = new Color();
  for (let at = 0; at < colors.length; at += 3) {
    color.setRGB(colors[at] ?? 0, colors[at + 1] ?? 0, colors[at + 2] ?? 0, SRGBColorSpace).toArray(converted, at);
  }
  return converted;
}

/** three.js warns of colours with an opacity. */
function opaque(color: string): string {
  return color.replace(/^rgba\(([^,]+),([^,]+),([^,]+),[^)]*\)$/, 'rgb($1,$2,$3)');
}

function free(group: Group): void {
  group.traverse((object: Object3D) => {
    if (!(object instanceof Mesh || object instanceof LineSegments)) return;
    (object.geometry as BufferGeometry).dispose();
    (object.material as Material).dispose();
  });
}
