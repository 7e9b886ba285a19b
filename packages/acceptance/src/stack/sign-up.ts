import { randomUUID } from "node:crypto";
import { createClient, type SupabaseClient } from "@supabase/supabase-js";

export interface User {
  id: string;
  email: string;
  /** The access token of the session. */
  token: string;
  supabase: SupabaseClient;
}

/** Signs up somebody new, as a frontend does. @throws Error when Supabase Auth asks for a confirmation by mail */
export async function signUp(supabaseUrl: string, publishableKey: string): Promise<User> {
  const supabase = createClient(supabaseUrl, publishableKey, {
    auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
  });
  const email = `${randomUUID()}@example.com`;
  const { data, error } = await supabase.auth.signUp({ email, password: randomUUID() });
  if (error !== null)
    throw new Error(`Supabase Auth refused to sign up a user: ${error.message}`, { cause: error });
  if (data.session === null || data.user === null) {
    throw new Error(
      "Supabase Auth wants new users to confirm their address by mail: turn that off for tests.",
    );
  }
  return { id: data.user.id, email, token: data.session.access_token, supabase };
}
