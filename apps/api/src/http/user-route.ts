import { authenticate } from "../auth/authenticate.ts";
import type { ApiDeps } from "../deps.ts";
import { limitBody } from "./limit-body.ts";
import { limitRate } from "./limit-rate.ts";

export interface Guards {
  /** Spread into the route of a user: it needs a token, and counts against the user's rate. */
  user: { security: { bearer: string[] }[]; middleware: ReturnType<typeof authenticate>[] };
  /** The same, with a bounded JSON body. */
  userWithBody: { security: { bearer: string[] }[]; middleware: ReturnType<typeof authenticate>[] };
}

/** One set for the whole app: the rate is counted over all routes. */
export function createGuards(deps: ApiDeps): Guards {
  const security = [{ bearer: [] }];
  const middleware = [authenticate(deps), limitRate(deps)];
  return {
    user: { security, middleware },
    userWithBody: { security, middleware: [...middleware, limitBody(deps)] },
  };
}
