interface HostApi {
  postMessage(message: unknown): void;
  getState(): unknown;
  setState(state: unknown): void;
}

declare function acquireVsCodeApi(): HostApi;

// VS Code allows exactly one call a page.
const api = acquireVsCodeApi();

/** The door to the extension host; pages put their own types around it. */
export const hostApi: HostApi = {
  postMessage: (message) => api.postMessage(message),
  getState: () => api.getState(),
  setState: (state) => api.setState(state),
};
