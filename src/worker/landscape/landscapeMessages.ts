import type { LandscapeEnd, LandscapeNews, LandscapeOrder, ModelFacts, ModelInspection, ModelProviderChoice, ModelProviderStatus } from '../../protocol';
import type { LandscapeFolders } from '../../store';

/** What a landscape thread is started for; it ends when that is done. */
export type LandscapeTask =
  | {
      readonly kind: 'compute';
      readonly id: string;
      readonly order: LandscapeOrder;
      /** Of each checkpoint: where its points are kept, or null. */
      readonly folders: ReadonlyMap<string, LandscapeFolders | null>;
      /** Threads inside one operation. */
      readonly threads: number;
      /** Least milliseconds between two `news`. */
      readonly interval: number;
    }
  | { readonly kind: 'inspect'; readonly inspection: ModelInspection }
  | { readonly kind: 'provider'; readonly choice: ModelProviderChoice };

export interface LandscapeThreadData {
  readonly task: LandscapeTask;
  /** One Int32; not 0 means: stop at the next checkpoint. */
  readonly cancel: SharedArrayBuffer;
}

export type FromLandscapeThread =
  | { readonly kind: 'news'; readonly news: LandscapeNews }
  | { readonly kind: 'end'; readonly end: LandscapeEnd }
  | { readonly kind: 'facts'; readonly facts: ModelFacts }
  | { readonly kind: 'provider'; readonly status: ModelProviderStatus }
  | { readonly kind: 'failed'; readonly message: string };
