import { useEffect, useState } from 'react'
import { useAsked } from '../../data/useAsked.ts'
import { Busy } from '../../parts/Busy.tsx'
import { FailureNote } from '../../parts/FailureNote.tsx'
import { Field } from '../../parts/Field.tsx'
import { texts } from '../../texts/en.ts'
import { PageButtons } from '../parts/PageButtons.tsx'
import type { PageInfo, Pages } from '../parts/usePages.ts'
import { type ListedUser, UserTable } from './UserTable.tsx'

const query = `query Users($search: String, $after: String) {
  users(first: 25, search: $search, after: $after) {
    edges { node { id email emailVerified status roles createdAt } }
    pageInfo { hasNextPage endCursor }
  }
}`

interface Data {
  readonly users: { readonly edges: readonly { readonly node: ListedUser }[]; readonly pageInfo: PageInfo }
}

/** So long after the last key a search begins. */
const debounceMs = 300

/** All users, page by page, and those whose e-mail contains a text. */
export function Users({
  search,
  onSearch,
  pages,
}: {
  search: string
  onSearch: (search: string) => void
  pages: Pages
}) {
  const { userList } = texts.admin
  const [typed, setTyped] = useState(search)
  useEffect(() => {
    if (typed.trim() === search) return
    const timer = setTimeout(() => onSearch(typed.trim()), debounceMs)
    return () => clearTimeout(timer)
  }, [typed, search, onSearch])
  const { data, failure, isBusy } = useAsked<Data>(query, { search: search || null, after: pages.after })
  const found = data?.users.edges.map(({ node }) => node)
  return (
    <>
      <h1>{texts.admin.users}</h1>
      <search className="narrow">
        <Field
          label={userList.search}
          hint={userList.searchHint}
          type="search"
          value={typed}
          onChange={event => setTyped(event.target.value)}
        />
      </search>
      <FailureNote failure={failure} />
      <p role="status" className={found?.length === 0 ? 'empty' : 'soft'}>
        {found && !isBusy && summaryOf(found.length, search)}
      </p>
      <PageButtons pages={pages} info={data?.users.pageInfo} />
      {found === undefined && isBusy && <Busy />}
      {found !== undefined && found.length > 0 && <UserTable users={found} />}
    </>
  )
}

function summaryOf(count: number, search: string): string {
  const { none, noneFound, count: counted } = texts.admin.userList
  if (count > 0) return counted(count)
  return search ? noneFound(search) : none
}
