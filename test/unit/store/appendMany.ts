// Run as a process of its own: appends batches of three records to the folder given first.
import { RecordStore } from '../../../src/store';
import { record } from './records';

const [place = '', name = '', batches = '0'] = process.argv.slice(2);
const store = new RecordStore({ read: [], write: [place] });
for (let batch = 0; batch < Number(batches); batch += 1) {
  await store.append(['x', 'y', 'z'].map((layer) => record({ layer: `${name}${batch}${layer}`, warnings: ['a'.repeat(batch * 20)] })));
}
