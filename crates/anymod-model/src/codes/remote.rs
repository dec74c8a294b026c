//! Codes of remote caches and executors (`F`, for far away).

super::codes! {
    CONFIGURATION = "F0001", exit 2, "a remote server is configured wrongly",
        "The endpoint, a header, a token or a certificate cannot be used as it is. `anymod settings` shows where each value comes from.";
    OFF = "F0002", exit 1, "the remote server is left alone",
        "It was not reached, did not answer in time, or answered something else than what it was asked for, several times. The rest of the run goes on without it; nothing that it sent was used unchecked. `anymod remote check` shows what it can do.";
    UPLOADS = "F0003", exit 1, "not everything was uploaded",
        "Results were not given to the remote server: it refused them, or the time for uploads at the end of a run was over. The build is whole; others will have to do these actions themselves. `remote.upload-wait` gives uploads more time, `remote.mode` says whether there are any.";
    FOREIGN_SECRET = "F0004", exit 2, "a secret would be sent to a server that it was not set for",
        "The workspace's file of settings names the server, and the token, header or certificate comes from another place. Whoever writes the workspace's file could have it sent anywhere. Name the server where the secret is set, or in a variable or flag.";
    NONE = "F0005", exit 2, "there is no remote server",
        "The command needs a remote server, and none is configured, or the store that it stands behind is turned off. `--remote`, `ANYMOD_REMOTE` and `remote.endpoint` name one.";
    CHECK = "F0006", exit 1, "the remote server does not do what it should",
        "A step of `anymod remote check` failed. Builds use what works and go on without the rest.";
    UNDONE = "F0007", exit 1, "actions were done here instead of on the remote server",
        "The server offers no execution, no worker with the wanted platform took the actions in time, or it failed at them. They were done on this machine, with the same outcome.";
    UNSENT = "F0008", exit 2, "an action is not one that servers do",
        "`anymod remote explain` tells what a server is sent. It is sent compilations by toolchains that anymod installed for itself, and with `remote.host-compilers` by those of this machine, if reading the source and its headers tells all that they read; everything else is done on this machine.";
}
