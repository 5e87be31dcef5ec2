import { type DirectiveNode, type DocumentNode, Kind, type ValueNode, visit } from 'graphql'
import type { SubgraphSecurity } from './contractFormats.ts'

/*
 * `@auth` in the words of Apollo's router: a gateway that reads them refuses before it asks the subgraph. They say less
 * than `@auth`: nothing of `maxAge` and `mfa`, and nothing of a field that returns a guarded type. The subgraph checks in any case.
 */

/**
 * Documents whose `@auth` a gateway can read.
 *
 * @param directive what `@auth` is called, without the `@`
 */
export function withSecurity(
  documents: readonly DocumentNode[],
  directive: string,
  security: SubgraphSecurity,
): readonly DocumentNode[] {
  if (security === 'annul') return documents
  const told = <Node extends { readonly directives?: readonly DirectiveNode[] | undefined }>(node: Node) => {
    const { directives = [] } = node
    const written = new Set(directives.map(({ name }) => name.value))
    const auth = directives.find(({ name }) => name.value === directive)
    // What an app has written by itself stays as it is.
    const more = auth ? securityDirectives(auth).filter(({ name }) => !written.has(name.value)) : []
    return more.length > 0 ? { ...node, directives: [...directives, ...more] } : undefined
  }
  return documents.map(document =>
    visit(document, { FieldDefinition: told, ObjectTypeDefinition: told, ObjectTypeExtension: told }),
  )
}

/** What stands before a role in `@policy`, because a policy may be anything else too. */
const rolePrefix = 'role:'

function securityDirectives({ arguments: given = [] }: DirectiveNode): readonly DirectiveNode[] {
  const read = (name: string) => given.find(argument => argument.name.value === name)?.value
  const scopes = read('scopes')
  const roles = read('roles')
  return [
    directive('authenticated'),
    ...(scopes && scopes.kind !== Kind.NULL ? [directive('requiresScopes', 'scopes', scopes)] : []),
    ...(roles?.kind === Kind.LIST ? [directive('policy', 'policies', list(roles.values.map(policyOf)))] : []),
  ]
}

/** Any one role is enough: an OR of single policies. */
function policyOf(role: ValueNode): ValueNode {
  return list([role.kind === Kind.STRING ? { ...role, value: `${rolePrefix}${role.value}` } : role])
}

function list(values: readonly ValueNode[]): ValueNode {
  return { kind: Kind.LIST, values }
}

function directive(name: string, argument?: string, value?: ValueNode): DirectiveNode {
  return {
    kind: Kind.DIRECTIVE,
    name: nameOf(name),
    ...(argument !== undefined &&
      value && { arguments: [{ kind: Kind.ARGUMENT, name: nameOf(argument), value }] }),
  }
}

function nameOf(value: string) {
  return { kind: Kind.NAME, value } as const
}
