/** Shapes that tell lines apart besides their colour, as Chart.js calls them. */
export const markerNames = ['circle', 'rect', 'triangle', 'rectRot', 'star', 'crossRot'] as const;
export type MarkerName = (typeof markerNames)[number];
