export { canonicalOptions, contentKey, recordKey } from './recordKey';
export { mergeRecords } from './mergeRecords';
export { parseRecord } from './parseRecord';
export { RecordStore } from './recordStore';
export type { RecordStoreOptions } from './recordStore';
