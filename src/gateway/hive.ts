import type { Plugin } from 'graphql-yoga'
import type { Gateway } from './createGateway.ts'
import type { GatewayContext } from './passage.ts'
import { isEvents, socketEvents } from './socketEvents.ts'
import { destinationOf } from './subrequests.ts'
import { type GatewayPluginOptions, gatewayPlugin as yogaPlugin } from './yoga.ts'

/** Options of the plugin for Hive Gateway. */
export interface HivePluginOptions extends GatewayPluginOptions {
  /** What Annul's subgraph is called in the supergraph. Default: `annul`. All others are services. */
  readonly subgraph?: string | undefined
}

/** The hooks alone: all of Yoga's plugin, Hive's own context does not fit. */
type YogaHooks = Pick<Plugin<GatewayContext>, 'onContextBuilding' | 'onExecutionResult' | 'onResponse'>

/** The part of Hive Gateway's hooks that is used: this package does not depend on it. */
interface HiveHooks {
  onSubgraphExecute(payload: {
    readonly subgraphName: string
    readonly transportEntry?: unknown
    readonly executionRequest: HiveSubrequest
    readonly executor: HiveExecutor
    setExecutor(executor: HiveExecutor): void
  }): void
  onFetch(payload: {
    readonly executionRequest?: HiveSubrequest | undefined
    readonly fetchFn: HiveFetch
    setFetchFn(fetchFn: HiveFetch): void
  }): void
}

interface HiveSubrequest {
  readonly context?: unknown
  readonly operationType?: string | undefined
  extensions?: { headers?: Record<string, string> } | undefined
}

type HiveExecutor = (subrequest: never) => unknown

type HiveFetch = (url: string, init?: RequestInit, ...rest: never[]) => Response | Promise<Response>

/**
 * For Hive Gateway: what `annul/gateway/yoga` does, the headers of the subrequests, to Annul and to other services, and the
 * reason with which a subscription ends.
 *
 * @example
 * defineConfig({ plugins: () => [gatewayPlugin(createGateway(), { subgraph: 'annul' })] })
 */
export function gatewayPlugin(
  gateway: Gateway,
  { subgraph = 'annul', ...options }: HivePluginOptions = {},
): YogaHooks & HiveHooks {
  return {
    ...yogaPlugin(options),
    // Here and not in onFetch: before that, Hive has taken like subrequests for one and the same.
    onSubgraphExecute({ subgraphName, transportEntry, executionRequest, executor, setExecutor }) {
      if (!isOfClient(executionRequest)) return
      if (subgraphName === subgraph && executionRequest.operationType === 'subscription')
        setExecutor(withEnd(executor))
      if (isBySocket(transportEntry, executionRequest)) {
        // They would be sent as they are, and a client's `connectionParams` would be taken for Hive's own.
        executionRequest.extensions = undefined
        return
      }
      const { headers: headersOf } = subgraphName === subgraph ? gateway.toAnnul : gateway.toService
      const headers = headersOf(executionRequest)
      executionRequest.extensions = {
        ...executionRequest.extensions,
        headers: { ...executionRequest.extensions?.headers, ...headers },
      }
    },
    onFetch({ executionRequest, setFetchFn }) {
      if (!isOfClient(executionRequest)) return
      const { context } = executionRequest
      setFetchFn((url, init) => {
        // Hive does not always say here which subgraph is asked.
        const isToAnnul = destinationOf(new Headers(init?.headers)) === 'annul'
        return (isToAnnul ? gateway.toAnnul : gateway.toService).fetch(url, init, context)
      })
    },
  }
}

/** A WebSocket ends by a code, of which Hive would say that an unexpected error has happened. */
function withEnd(executor: HiveExecutor): HiveExecutor {
  return async subrequest => {
    const answer = await executor(subrequest)
    return isEvents(answer) ? socketEvents(answer) : answer
  }
}

function isBySocket(transportEntry: unknown, { operationType }: HiveSubrequest): boolean {
  const { kind, options } = Object(transportEntry)
  return kind === 'ws' || (operationType === 'subscription' && Object(options).subscriptions?.kind === 'ws')
}

/** Hive's own requests, for the schema and for reports, are on nobody's behalf. */
function isOfClient(subrequest: HiveSubrequest | undefined): subrequest is HiveSubrequest {
  return Object(subrequest?.context).annul !== undefined
}
