import type { ResolveHook } from 'node:module'

const standIn = new URL('./jestGlobals.ts', import.meta.url).href

/** Leads imports of @jest/globals, which throws outside of Jest, to the stand-in. */
export const resolve: ResolveHook = (specifier, context, next) =>
  next(specifier === '@jest/globals' ? standIn : specifier, context)
