<?php
// The page of `make demo`: which instance has served it, how often this visitor was here, and where that is kept. All that
// it remembers is in the session.

$me = gethostname();

// The button: the instance that answered is killed, in the middle of a request. Whatever stands before the instances
// then asks the other one, which goes on below.
$killed = preg_match('~^/kill/([\w-]+)$~', $_SERVER['REQUEST_URI'], $match) && $_SERVER['REQUEST_METHOD'] === 'POST'
    ? $match[1] : null;
if ($killed === $me) {
    posix_kill(posix_getpid(), SIGKILL);
}

session_start();
$_SESSION['visits'][] = ['by' => $me, 'killed' => $killed];
$visits = $_SESSION['visits'];
$count = count($visits);

$store = ini_get('session.save_handler');
$server = getenv('PHP_SESSION_STORE_SERVERS') ?: getenv('PHP_SESSION_STORE_HOST') . ':' . getenv('PHP_SESSION_STORE_PORT');

if (!str_contains($_SERVER['HTTP_ACCEPT'] ?? '', 'text/html')) {
    header('Content-Type: text/plain');
    echo $count, ', served by ', $me, $killed ? " as $killed was killed" : '', "; the session lies in $store at $server\n";
    return;
}
?>
<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>PHP session store: visit <?= $count ?></title>
<link rel="icon" href="data:,">
<style>
  body { font: 18px/1.5 system-ui, sans-serif; max-width: 38rem; margin: 2rem auto; padding: 0 1rem; color: #222; background: #fafafa }
  main { background: #fff; border: 1px solid #ddd; border-radius: 8px; padding: 1.5rem }
  h1 { margin: 0 0 1rem; font-size: 1.6rem }
  dl { display: grid; grid-template-columns: max-content auto; gap: .3rem 1.2rem; margin: 0 0 1.2rem }
  dt { color: #666 } dd { margin: 0 }
  form { display: inline } button { font: inherit; padding: .4rem 1rem; border: 1px solid #888; border-radius: 6px; background: #fff; cursor: pointer }
  button.kill { border-color: #b00020; color: #b00020 }
  ol { color: #444; font-size: .9rem } .killed { color: #b00020 }
</style>
<main>
  <h1>Visit <span id="count"><?= $count ?></span> of this session</h1>
  <dl>
    <dt>served by <dd id="instance"><?= $me ?>
    <dt>the session lies in <dd id="store"><?= "$store at $server" ?>
  </dl>
  <form action="/"><button id="again">Visit again</button></form>
  <form action="/kill/<?= $me ?>" method="post"><button id="kill" class="kill">Kill <?= $me ?></button></form>
  <ol id="visits" start="<?= max(1, $count - 7) ?>">
<?php foreach (array_slice($visits, -8) as ['by' => $by, 'killed' => $dead]): ?>
    <li><?= $by ?><?php if ($dead): ?> <span class="killed">as <?= htmlspecialchars($dead) ?> was killed</span><?php endif ?>

<?php endforeach ?>
  </ol>
</main>
