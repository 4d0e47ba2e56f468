import { Component, type ComponentChildren } from 'preact';
import { post } from '../vscodeApi';

/** A defect of the page is said, not shown as a blank view. */
export class ErrorBoundary extends Component<{ children: ComponentChildren }, { message: string | null }> {
  override state = { message: null };

  override componentDidCatch(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    post({ kind: 'failed', message: error instanceof Error ? (error.stack ?? message) : message });
    this.setState({ message });
  }

  override render(): ComponentChildren {
    if (this.state.message === null) return this.props.children;
    return (
      <main class="panel">
        <div class="empty">
          <h2>This page failed</h2>
          <p>{this.state.message}</p>
          <p>The measurements are safe. Close and open the view to draw it again.</p>
          <button class="button" type="button" onClick={() => post({ kind: 'showLog' })}>
            Show log
          </button>
        </div>
      </main>
    );
  }
}
