import { type ExecutionArgs, type ExecutionResult, getOperationAST, type Source } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import { type Auth, insidesOf } from '../auth.ts'
import { refuseLargeBody } from '../graphql/bounds/body.ts'
import { checkNesting, checkVariables } from '../graphql/bounds/nesting.ts'
import { noIncrementalDelivery } from '../graphql/noIncrementalDelivery.ts'
import { noIntrospection } from '../graphql/noIntrospection.ts'
import { notInList, withoutId } from '../graphql/operations/allowlist.ts'
import { inOperation } from '../graphql/traceOperation.ts'
import { Operations } from './yogaOperations.ts'
import { refuseOther, refuseParts, refuseUnguarded } from './yogaRefusals.ts'
import { checkYogaOptions, ownContext, type YogaOptions, type YogaRequest } from './yogaRequest.ts'
import { withStatus, withStatusOfAll } from './yogaStatus.ts'

export type { YogaOptions, YogaRequest } from './yogaRequest.ts'

const known = new WeakSet<object>()

/**
 * Builds Annul into GraphQL Yoga 5, on node:http and in Fetch handlers: `auth` in the context, cookies, errors, HTTP
 * statuses, bounds, and subscriptions (SSE) that end with their token. It stands last among the plugins. Yoga's
 * `maskedErrors` has no effect beside it: every error passes Annul's own masking.
 *
 * @param auth what createAuth has returned
 * @throws TypeError for what is no `auth`, and for an unknown option or one of the wrong type
 * @throws SchemaError, by createYoga, for a schema whose `@auth` nobody enforces
 * @example
 * const yoga = createYoga({ schema: auth.schema({ typeDefs, resolvers }), plugins: [annulYoga(auth)] })
 * createServer(yoga).listen(4000)
 */
export function annulYoga<ServerContext extends object = Readonly<Record<string, unknown>>>(
  auth: Auth,
  options: YogaOptions<ServerContext> = {},
): Plugin {
  const opened = insidesOf(auth)
  checkYogaOptions(options)
  const { bounds } = opened
  const { introspection } = opened.parts.config
  const operations = new Operations(opened, options as unknown as YogaOptions<object>)

  /** Runs a phase of Yoga. What it throws is made safe before Yoga logs or masks it. */
  const inPhase = (
    { context, request = Object(context).request }: { context?: unknown; request?: YogaRequest },
    phase: () => void | Promise<void>,
  ) => {
    const fail = (error: unknown): never => {
      // Nobody waits for the answer, and Yoga knows the error by its class.
      if (request?.signal?.aborted) throw error
      throw request ? operations.fail(request, context, error) : operations.errors.of(error)
    }
    try {
      const running = phase()
      return running ? running.then(undefined, fail) : running
    } catch (error) {
      return fail(error)
    }
  }

  /** Not while the document is validated: Yoga keeps what comes of that, for other variables too. */
  const beyondBounds = ({ schema, document, variableValues, contextValue }: ExecutionArgs) => {
    try {
      bounds.check(schema, document, variableValues)
      return undefined
    } catch (error) {
      return operations.tell(contextValue, [error])
    }
  }

  /** Notes that the executor has run. */
  const witness: Plugin = {
    onExecute({ executeFn, setExecuteFn }) {
      setExecuteFn(args => {
        const state = operations.carryOut(args.contextValue)
        const operation = () => getOperationAST(args.document, args.operationName)
        return state ? inOperation(state, operation, () => executeFn(args)) : executeFn(args)
      })
    },
  }

  const plugin: Plugin = {
    onPluginInit({ plugins, registerContextErrorHandler }) {
      if (plugins.filter(other => known.has(other)).length > 1)
        throw new TypeError('createYoga has been given annulYoga twice.')
      // Because of the witness, Yoga comes to this plugin once more.
      if (plugins.includes(witness)) return
      // Behind Yoga's own engine, and so beneath each plugin that puts itself around the executor.
      plugins.splice(1, 0, witness)
      registerContextErrorHandler(({ context, error, setError }) => {
        setError(operations.tell(context, [error])[0])
      })
    },

    onYogaInit: ({ yoga }) => refuseOther(yoga.version),

    onSchemaChange({ schema }) {
      refuseUnguarded(schema)
      operations.schema = schema
    },

    onRequest({ request, fetchAPI, endResponse, requestHandler, setRequestHandler }) {
      const tooLarge = refuseLargeBody(request.headers.get('content-length'))
      if (tooLarge) {
        const { message, extensions } = tooLarge
        const errors = [{ message, extensions: { code: extensions.code } }]
        // Not read: the connection ends with the answer.
        return endResponse(fetchAPI.Response.json({ errors }, { status: 413 }))
      }
      setRequestHandler((request, serverContext) => requestHandler(request, ownContext(serverContext)))
    },

    onParams({ request, params, context, setParams, setResult }) {
      const document = opened.operations ? opened.operations.find(Object(params)) : Object(params).query
      operations.begin(request, context, document)
      if (opened.operations) {
        // Without the id, which Yoga would refuse as a parameter that it does not know.
        const { operationName, variables, extensions } = Object(params)
        setParams({ query: document ?? '', operationName, variables, extensions: withoutId(extensions) })
        if (document === undefined) return setResult({ errors: operations.tell(context, [notInList()]) })
      }
      try {
        checkVariables(Object(params).variables)
      } catch (error) {
        setResult({ errors: operations.tell(context, [error]) })
      }
    },

    onParse({ parseFn, setParseFn }) {
      setParseFn((source: string | Source, parseOptions) => {
        checkNesting(typeof source === 'string' ? source : source.body, bounds.tokens)
        return parseFn(source, { ...parseOptions, maxTokens: bounds.tokens })
      })
      return ({ result, replaceParseResult, context }) => {
        if (result instanceof Error)
          replaceParseResult(operations.tell(context, [result], 'GRAPHQL_PARSE_FAILED')[0])
      }
    },

    onValidate({ addValidationRule }) {
      addValidationRule(noIncrementalDelivery)
      if (!introspection) addValidationRule(noIntrospection)
      return ({ valid, result, setResult, context }) => {
        if (!valid) setResult([...operations.tell(context, result, 'GRAPHQL_VALIDATION_FAILED')])
      }
    },

    onExecute({ args, setResultAndStopExecution }) {
      refuseUnguarded(args.schema)
      const refused = beyondBounds(args)
      if (refused) return setResultAndStopExecution({ errors: refused })
      return {
        onExecuteDone({ result, setResult }) {
          if (isEvents(result))
            setResult({ errors: operations.tell(args.contextValue, [refuseParts(result)]) })
          // An error without a path is about the operation's variables.
          else if (result.errors)
            setResult({
              ...result,
              errors: operations.tell(args.contextValue, result.errors, 'BAD_USER_INPUT'),
            })
        },
      }
    },

    onSubscribe({ args, setResultAndStopExecution }) {
      refuseUnguarded(args.schema)
      const refused = beyondBounds(args)
      if (refused) return setResultAndStopExecution({ errors: refused })
      const tell = (result: ExecutionResult) => ({
        ...result,
        errors: operations.tell(args.contextValue, result.errors ?? [], 'BAD_USER_INPUT'),
      })
      return {
        onSubscribeResult({ result, setResult }) {
          if (!isEvents(result)) {
            if (result.errors) setResult(tell(result))
            return
          }
          return {
            onNext({ result: event, setResult: setEvent }) {
              if (event.errors) setEvent(tell(event))
            },
          }
        },
        onSubscribeError({ error, setError }) {
          setError(operations.tell(args.contextValue, [error])[0])
        },
      }
    },

    instrumentation: {
      requestParse: inPhase,
      operation: inPhase,
      parse: inPhase,
      validate: inPhase,
      context: inPhase,
      execute: inPhase,
      subscribe: inPhase,
    },

    onExecutionResult({ result, setResult, context }) {
      if (result === undefined) return
      if (isEvents(result)) return setResult(operations.gate(context, result))
      const finished = operations.finish(context, result)
      return finished instanceof Promise ? finished.then(setResult) : setResult(finished)
    },

    onResultProcess({ request, result, setResult }) {
      if (isEvents(result)) return
      if (Array.isArray(result))
        setResult(withStatusOfAll(result.map(one => operations.release(undefined, one))))
      else setResult(withStatus(operations.release(request, result), operations.schema))
    },

    onResponse({ request, response }) {
      const cookies = operations.cookiesOf(request)
      if (!cookies || !response) return
      for (const [name, value] of cookies) response.headers.append(name, value)
      // Answers carry tokens, or depend on one.
      if (!response.headers.has('cache-control')) response.headers.set('cache-control', 'no-store')
    },
  }
  known.add(plugin)
  return plugin
}

function isEvents(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}
