import type { FromLandscape, LandscapeOrder, LandscapeProgressState, ModelInUse, ModelProvider } from '../../../src/protocol';
import { formatCount, plural } from '../format';

/** How far it is, in a few words. */
export function progressWords({ state, done, total, doing, problems }: LandscapeProgressState): string {
  const kept = problems.length === 0 ? ', which are kept' : '';
  const points = total > 0 ? `${formatCount(done)} of ${plural(total, 'point')}` : '';
  switch (state) {
    case 'starting':
      return 'Starting';
    case 'computing':
      return points === '' ? 'Preparing' : points;
    case 'cancelling':
      return points === '' ? 'Stopping' : `Stopping at ${points}`;
    case 'finished':
      return `All ${plural(total, 'point')}`;
    case 'cancelled':
      return points === '' ? 'Cancelled' : `Stopped at ${points}${kept}`;
    case 'interrupted':
      return `${points === '' ? 'Interrupted' : `Interrupted at ${points}${kept}`}${doing === '' ? '' : `: ${doing}`}`;
    case 'failed':
      return points === '' ? 'Nothing could be computed' : `Failed at ${points}${kept}`;
  }
}

/** What the one button does; null where there is nothing to do. */
export function mainAction({ state, finer }: LandscapeProgressState, order: LandscapeOrder | null): { readonly kind: (FromLandscape & { readonly kind: 'cancel' | 'continue' | 'refine' })['kind']; readonly label: string } | null {
  switch (state) {
    case 'starting':
    case 'computing':
    case 'cancelling':
      return { kind: 'cancel', label: 'Cancel' };
    case 'cancelled':
    case 'interrupted':
      return { kind: 'continue', label: 'Continue' };
    case 'failed':
      return { kind: 'continue', label: 'Try again' };
    case 'finished':
      if (finer === null) return null;
      return { kind: 'refine', label: order?.directions === 'line' ? `Finer: ${formatCount(finer)} points` : `Finer: ${finer} \u00d7 ${finer}` };
  }
}

/** What a screen reader is told: that the state changed, and not each point. */
export function announce({ state, done, total }: LandscapeProgressState): string {
  const points = total > 0 ? ` ${formatCount(done)} of ${plural(total, 'point')} are known.` : '';
  switch (state) {
    case 'starting':
      return 'The landscape is being prepared.';
    case 'computing':
    case 'cancelling':
      return 'The landscape is being computed.';
    case 'finished':
      return 'The landscape is finished.';
    case 'cancelled':
      return `The landscape was stopped.${points}`;
    case 'interrupted':
      return `The landscape was interrupted.${points}`;
    case 'failed':
      // The failure itself is an alert.
      return '';
  }
}

const providers: Readonly<Record<ModelProvider, string>> = {
  cpu: 'the processor', cuda: 'CUDA', coreml: 'CoreML', dml: 'DirectML', webgpu: 'WebGPU', wasm: 'WebAssembly',
};

/** On what the model runs, and why. */
export function providerWords({ choice, provider, passedOver }: ModelInUse): string {
  if (provider === null) return '';
  const on = `Runs on ${providers[provider]}`;
  if (choice !== 'auto') return `${on}, as layerscope.modelProvider says.`;
  const others = passedOver.map((one) => ` ${one.provider} cannot be used: ${one.reason}.`).join('');
  return `${on}, the first that can be used.${others}`;
}
