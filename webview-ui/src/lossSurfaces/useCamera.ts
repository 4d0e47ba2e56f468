import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { between, near, type Camera } from './camera';
import { loadArrangement, saveArrangement } from './landscapeApi';

/** Milliseconds in which two thirds of a turn are done. */
const easing = 80;

export interface MovingCamera {
  /** What is drawn now. */
  readonly camera: Camera;
  /** Where it is going. */
  readonly target: Camera;
  readonly turn: (change: (camera: Camera) => Camera, smoothly: boolean) => void;
}

/** The view of all surfaces, turned smoothly unless motion is to be reduced, and remembered. */
export function useCamera(): MovingCamera {
  const [camera, setCamera] = useState(() => loadArrangement().camera);
  const [target, setTarget] = useState(camera);
  const now = useRef({ camera, target, frame: 0, last: 0 });
  useEffect(() => () => cancelAnimationFrame(now.current.frame), []);
  useEffect(() => {
    const timer = setTimeout(() => saveArrangement({ camera: target }), 300);
    return () => clearTimeout(timer);
  }, [target]);
  const turn = useCallback<MovingCamera['turn']>((change, smoothly) => {
    const state = now.current;
    state.target = change(state.target);
    setTarget(state.target);
    cancelAnimationFrame(state.frame);
    if (!smoothly || reducedMotion()) {
      state.camera = state.target;
      setCamera(state.camera);
      return;
    }
    state.last = performance.now();
    const step = (time: number): void => {
      const share = 1 - Math.exp(-Math.max(0, time - state.last) / easing);
      state.last = time;
      state.camera = near(state.camera, state.target) ? state.target : between(state.camera, state.target, share);
      setCamera(state.camera);
      if (state.camera !== state.target) state.frame = requestAnimationFrame(step);
    };
    state.frame = requestAnimationFrame(step);
  }, []);
  return { camera, target, turn };
}

function reducedMotion(): boolean {
  return document.body.classList.contains('vscode-reduce-motion') || matchMedia('(prefers-reduced-motion: reduce)').matches;
}
