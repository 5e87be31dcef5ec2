import { startServer } from '../../src/http/startServer.ts'
import { bySocket } from './contract/subscribe.ts'
import { describeContract } from './contract.ts'

describeContract(
  'Annul’s own server',
  ({ settings, extension, onLogLine }) =>
    startServer(settings, { extension, logStream: { write: onLogLine } }),
  { subscribe: bySocket },
)
