<?php
namespace App;

use Symfony\Bundle\FrameworkBundle\Kernel\MicroKernelTrait;
use Symfony\Component\HttpFoundation\Request;
use Symfony\Component\HttpFoundation\Response;
use Symfony\Component\HttpKernel\Kernel as BaseKernel;
use Symfony\Component\Routing\Loader\Configurator\RoutingConfigurator;

class Kernel extends BaseKernel
{
    use MicroKernelTrait;

    protected function configureRoutes(RoutingConfigurator $routes): void
    {
        $routes->add('count', '/')->controller([$this, 'count']);
    }

    /** Counts a visitor's requests in the session. */
    public function count(Request $request): Response
    {
        $session = $request->getSession();
        $session->set('count', $session->get('count', 0) + 1);
        return new Response($session->get('count') . ', Symfony ' . self::VERSION);
    }
}
