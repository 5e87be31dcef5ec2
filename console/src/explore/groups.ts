import { Kind, parse } from 'graphql'
import { texts } from '../texts/en.ts'
import type { Example } from './examples.ts'

const files = import.meta.glob<string>('../../../schema/*.graphql', {
  query: '?raw',
  import: 'default',
  eager: true,
})

/** The group of each root field of the contract: the name of the file that defines it. */
const groups = new Map(
  Object.entries(files).flatMap(([path, text]) => {
    const group = path.replace(/^.*\/|\.graphql$/g, '')
    return rootFieldsOf(text).map(coordinate => [coordinate, group])
  }),
)

function rootFieldsOf(text: string): string[] {
  return parse(text, { noLocation: true }).definitions.flatMap(definition =>
    (definition.kind === Kind.OBJECT_TYPE_DEFINITION || definition.kind === Kind.OBJECT_TYPE_EXTENSION) &&
    /^(Query|Mutation|Subscription)$/.test(definition.name.value)
      ? (definition.fields ?? []).map(({ name }) => `${definition.name.value}.${name.value}`)
      : [],
  )
}

/** The examples by group, the app's own fields first, since whoever looks has written them. */
export function grouped(examples: readonly Example[]): readonly (readonly [string, readonly Example[]])[] {
  const { groups: names } = texts.explore
  const byGroup = new Map<string, Example[]>()
  for (const example of examples) {
    const group = groups.get(example.coordinate) ?? 'app'
    byGroup.set(group, [...(byGroup.get(group) ?? []), example])
  }
  const order = Object.keys(names)
  return [...byGroup]
    .sort(([one], [other]) => placeOf(order, one) - placeOf(order, other))
    .map(([group, list]) => [names[group] ?? group, list])
}

function placeOf(order: readonly string[], group: string): number {
  const place = order.indexOf(group)
  return place < 0 ? order.length : place
}
